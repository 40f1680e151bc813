import { messageOf } from '../redaction.js';
import { raceSignal } from '../timing/timeouts.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Session } from './session.js';

/** How many PINGs are measured. */
const PINGS = 50;

/** Refreshes the token, re-authenticates the connection, measures it, and replaces it. */
export async function checkLiveness(
  context: DiagnosisContext,
  session: Session,
  identity: DiagnosedIdentity,
  report: SectionReport,
): Promise<void> {
  if (identity.usesAccessKey)
    report.skipped('refresh', 'An access key does not expire: nothing is refreshed.');
  else await checkRefresh(context, session, identity, report);
  await checkLatency(session, report);
  await checkReconnect(session, report);
}

async function checkRefresh(
  { signal }: DiagnosisContext,
  session: Session,
  { clientOptions }: DiagnosedIdentity,
  report: SectionReport,
): Promise<void> {
  const { authenticator } = clientOptions;
  const before = authenticator.expiresOn.getTime();
  const start = performance.now();
  try {
    await raceSignal(authenticator.refresh(), signal);
  } catch (error) {
    signal.throwIfAborted();
    report.error('refresh', `The token was not refreshed: ${messageOf(error)}`, {
      severity: 'high',
      why: 'Connections are closed when the current token expires.',
      remedy: error instanceof Error && 'hint' in error ? String(error.hint) : 'See the identity section.',
    });
    return;
  }
  const time = performance.now() - start;
  if (authenticator.expiresOn.getTime() === before) {
    report.info('refresh', 'The identity library still returns the current token, from its cache.', {
      why: 'It gives a new one shortly before the expiry, which this package waits for.',
    });
  } else {
    report.ok('refresh', `A new token was acquired in ${time.toFixed(0)} ms.`, { data: { time } });
  }
  await reauthenticate(session, clientOptions, report);
}

/** At once, where the authenticator would wait for a random time. */
async function reauthenticate(
  session: Session,
  { authenticator, password }: DiagnosedIdentity['clientOptions'],
  report: SectionReport,
): Promise<void> {
  const start = performance.now();
  const answer = await session.ask('AUTH', authenticator.username, String(password));
  const time = performance.now() - start;
  if ('reply' in answer) {
    report.ok(
      'reauthenticate',
      `The live connection was re-authenticated in place, in ${time.toFixed(1)} ms.`,
      {
        data: { time },
      },
    );
    return;
  }
  report.error('reauthenticate', `The live connection was not re-authenticated: ${answer.error}`, {
    severity: 'high',
    why: 'The cache closes it when its token expires.',
    remedy: 'Check that the access policy of the identity still exists.',
  });
}

async function checkLatency(session: Session, report: SectionReport): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < PINGS; count += 1) {
    const start = performance.now();
    const answer = await session.ask('PING');
    if ('error' in answer) {
      report.error('latency', `PING is answered ${answer.error}.`, {
        severity: 'high',
        remedy: 'The connection was lost: see the events of the cache (Azure portal, Resource health).',
      });
      return;
    }
    times.push(performance.now() - start);
  }
  times.sort((first, second) => first - second);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => times[Math.ceil(share * PINGS) - 1] ?? 0);
  report.ok(
    'latency',
    `PING takes ${format(p50)} ms (median), ${format(p95)} ms (95 %), ${format(p99)} ms (99 %), of ${PINGS}.`,
    { data: { p50, p95, p99, count: PINGS } },
  );
}

async function checkReconnect(session: Session, report: SectionReport): Promise<void> {
  try {
    const time = await session.reconnect();
    report.ok('reconnect', `A new connection was open and logged in after ${time.toFixed(0)} ms.`, {
      data: { time },
    });
  } catch (error) {
    report.error('reconnect', `The connection was not replaced: ${messageOf(error)}`, {
      severity: 'high',
      remedy: 'Check the network and login sections: the first connection succeeded, this one did not.',
    });
  }
}

function format(time: number | undefined): string {
  return (time ?? 0).toFixed(2);
}
