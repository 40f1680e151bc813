import type { Finding } from './finding.js';
import type { DiagnoseOptions } from './options.js';
import { runDiagnosis } from './run.js';

/**
 * Checks everything between this process and a cache, as `npx ioredis-azure doctor` does: name and network, TLS, identity,
 * login, permissions, kind of cache, security posture, and whether a connection survives a refresh. It takes about as long
 * as the network does, and ends early only where nothing further can be tried. Trials use a key of their own, which is
 * removed and expires.
 *
 * @example
 * ```ts
 * const findings = await diagnose({ host: 'my-cache.westeurope.redis.azure.net' });
 * for (const { message, remedy } of findings.filter(({ status }) => status === 'error')) console.error(message, remedy);
 * ```
 *
 * @param options The cache, the identity, and how to look at them.
 * @returns All findings, in the order of the checks. A fault is a finding, not a rejection.
 * @throws AzureRedisError at once if an option is missing, invalid or contradicts another, and the reason of `signal`.
 */
export function diagnose(options: DiagnoseOptions): Promise<Finding[]> {
  return runDiagnosis(options);
}
