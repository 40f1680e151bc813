import { withTimeout } from '../lib/timing/timeouts.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';

/** The difference from which a warning is reported, in ms. */
const NOTICEABLE = 30_000;

/** Entra and the cache tolerate a difference of five minutes, in ms. Source: the clock skew of Microsoft.IdentityModel. */
const TOLERATED = 300_000;

/** The header `Date` has whole seconds: on average it is half a second late, in ms. */
const DATE_RESOLUTION = 500;

/** The lead of the local clock over that of the identity service, in ms; `undefined` if the service does not answer. */
export async function measureClock({
  authorityHost,
  timeout,
  signal,
}: Pick<DiagnosisContext, 'authorityHost' | 'timeout' | 'signal'>): Promise<number | undefined> {
  const pipeline = await import('@azure/core-rest-pipeline');
  const policies = pipeline.createEmptyPipeline();
  policies.addPolicy(pipeline.proxyPolicy());
  const sentAt = Date.now();
  try {
    const { headers } = await withTimeout(
      (timeoutSignal) =>
        policies.sendRequest(
          pipeline.createDefaultHttpClient(),
          pipeline.createPipelineRequest({
            url: `${authorityHost}/common/v2.0/.well-known/openid-configuration`,
            abortSignal: AbortSignal.any([signal, timeoutSignal]),
            disableKeepAlive: true,
          }),
        ),
      timeout,
    );
    const date = Date.parse(headers.get('date') ?? '');
    if (Number.isNaN(date)) return undefined;
    return (sentAt + Date.now()) / 2 - (date + DATE_RESOLUTION);
  } catch {
    // The identity section reports a service that cannot be reached, if the identity needs it.
    return undefined;
  }
}

/** Reports the difference of the clocks. */
export function reportClock(ahead: number | undefined, authorityHost: string, report: SectionReport): void {
  if (ahead === undefined) {
    report.skipped('clock', `The clock was not compared: ${authorityHost} did not answer.`);
    return;
  }
  const seconds = Math.abs(ahead / 1000).toFixed(1);
  const message = `The local clock is ${seconds} s ${ahead >= 0 ? 'ahead of' : 'behind'} that of ${authorityHost}.`;
  const data = { ahead: Math.round(ahead) };
  if (Math.abs(ahead) < NOTICEABLE) {
    report.ok('clock', message, { data });
    return;
  }
  const advice = {
    why: 'Tokens are refreshed too early or too late. Beyond five minutes Entra rejects certificates, and the cache rejects tokens.',
    remedy: 'Synchronise the clock of this machine (NTP, chrony, w32time).',
    data,
  };
  if (Math.abs(ahead) < TOLERATED) report.warning('clock', message, { severity: 'medium', ...advice });
  else report.error('clock', message, { severity: 'high', ...advice });
}
