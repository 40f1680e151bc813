import { AzureRedisError } from '../lib/errors.js';
import { messageOf } from '../lib/redaction.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import type { TrialClient } from './client.js';
import { type Section, sentence } from './finding.js';

/** The number of PINGs that are measured. */
const PINGS = 50;

/** After this time no further PING is sent, in ms: a distant cache must not take the time of fifty. */
const LATENCY_BUDGET = 1_000;

/** Refreshes the token, re-authenticates the connection, measures it, and replaces it. @throws TrialError */
export async function checkUpkeep(section: Section, client: TrialClient): Promise<void> {
  if (section.options.accessKey !== undefined)
    section.report('refresh', { skipped: 'An access key does not expire.' });
  else if (await refresh(section, client)) await reauthenticate(section, client);
  await measureLatency(section, client);
  const time = await client.reconnect();
  section.report('reconnect', {
    ok: `A new connection was logged in after ${time.toFixed(0)} ms.`,
    data: { time },
  });
}

/** Resolves to whether there is a token to re-authenticate with. */
async function refresh({ signal, report }: Section, { authenticator }: TrialClient): Promise<boolean> {
  const before = authenticator.expiresOn.getTime();
  const start = performance.now();
  try {
    await raceSignal(authenticator.refresh(), signal);
  } catch (error) {
    report('refresh', {
      error: `The token was not refreshed: ${sentence(messageOf(error))}`,
      why: 'Connections are closed when the current token expires.',
      remedy: error instanceof AzureRedisError ? error.hint : 'See the identity section.',
    });
    return false;
  }
  const time = performance.now() - start;
  report('refresh', [
    {
      when: authenticator.expiresOn.getTime() !== before,
      ok: `A new token was acquired in ${time.toFixed(0)} ms.`,
      data: { time },
    },
    {
      info: 'The identity library returned the current token from its cache.',
      why: 'It requests a new one shortly before the expiry, which this package takes into account.',
    },
  ]);
  return true;
}

/** Immediately: the authenticator spreads the re-authentications of its clients over time. */
async function reauthenticate({ report }: Section, client: TrialClient): Promise<void> {
  const { username, login } = client.authenticator;
  const start = performance.now();
  const answer = await client.ask('AUTH', username, login.password());
  const time = performance.now() - start;
  report(
    'reauthenticate',
    'reply' in answer
      ? { ok: `The connection was re-authenticated in place in ${time.toFixed(1)} ms.`, data: { time } }
      : {
          error: `The connection was not re-authenticated: ${sentence(answer.error)}`,
          why: 'The cache closes it when its token expires.',
          remedy: 'Check that the access policy of the identity still exists.',
        },
  );
}

async function measureLatency({ report }: Section, client: TrialClient): Promise<void> {
  const times: number[] = [];
  const end = performance.now() + LATENCY_BUDGET;
  for (let start = performance.now(); times.length < PINGS && start < end; start = performance.now()) {
    await client.ask('PING');
    times.push(performance.now() - start);
  }
  const count = times.length;
  times.sort((first, second) => first - second);
  const percentile = (share: number): number => times[Math.ceil(share * count) - 1] ?? 0;
  const [p50, p95, p99] = [percentile(0.5), percentile(0.95), percentile(0.99)];
  report('latency', {
    ok: `PING takes ${p50.toFixed(2)} ms (median), ${p95.toFixed(2)} ms (95th percentile), ${p99.toFixed(2)} ms (99th), of ${count}.`,
    data: { p50, p95, p99, count },
  });
}
