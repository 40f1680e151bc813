import { messageOf } from '../lib/redaction.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Session } from './session.js';

/** The number of PINGs that are measured. */
const PINGS = 50;

/** After this time no further PING is sent, in ms: a distant cache must not take the time of fifty. */
const LATENCY_BUDGET = 1_000;

/** Refreshes the token, re-authenticates the connection, measures it, and replaces it. @throws SessionError */
export async function checkLiveness(
  context: DiagnosisContext,
  session: Session,
  identity: DiagnosedIdentity,
  report: SectionReport,
): Promise<void> {
  if (identity.usesAccessKey) report.skipped('refresh', 'An access key does not expire.');
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
    report.error('refresh', `The token was not refreshed: ${sentence(messageOf(error))}`, {
      severity: 'high',
      why: 'Connections are closed when the current token expires.',
      remedy: error instanceof Error && 'hint' in error ? String(error.hint) : 'See the identity section.',
    });
    return;
  }
  const time = performance.now() - start;
  if (authenticator.expiresOn.getTime() === before) {
    report.info('refresh', 'The identity library returned the current token from its cache.', {
      why: 'It requests a new one shortly before the expiry, which this package takes into account.',
    });
  } else {
    report.ok('refresh', `A new token was acquired in ${time.toFixed(0)} ms.`, { data: { time } });
  }
  await reauthenticate(session, clientOptions, report);
}

/** Immediately: the authenticator spreads the re-authentications of its clients over time. */
async function reauthenticate(
  session: Session,
  { authenticator, password }: DiagnosedIdentity['clientOptions'],
  report: SectionReport,
): Promise<void> {
  const start = performance.now();
  const answer = await session.ask('AUTH', authenticator.username, String(password));
  const time = performance.now() - start;
  if ('reply' in answer) {
    report.ok('reauthenticate', `The connection was re-authenticated in place in ${time.toFixed(1)} ms.`, {
      data: { time },
    });
    return;
  }
  report.error('reauthenticate', `The connection was not re-authenticated: ${sentence(answer.error)}`, {
    severity: 'high',
    why: 'The cache closes it when its token expires.',
    remedy: 'Check that the access policy of the identity still exists.',
  });
}

async function checkLatency(session: Session, report: SectionReport): Promise<void> {
  const times: number[] = [];
  const end = performance.now() + LATENCY_BUDGET;
  for (let start = performance.now(); times.length < PINGS && start < end; start = performance.now()) {
    await session.ask('PING');
    times.push(performance.now() - start);
  }
  const count = times.length;
  times.sort((first, second) => first - second);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => times[Math.ceil(share * count) - 1] ?? 0);
  report.ok(
    'latency',
    `PING takes ${format(p50)} ms (median), ${format(p95)} ms (95th percentile), ${format(p99)} ms (99th), of ${count}.`,
    { data: { p50, p95, p99, count } },
  );
}

async function checkReconnect(session: Session, report: SectionReport): Promise<void> {
  const time = await session.reconnect();
  report.ok('reconnect', `A new connection was logged in after ${time.toFixed(0)} ms.`, { data: { time } });
}

function format(time: number | undefined): string {
  return (time ?? 0).toFixed(2);
}
