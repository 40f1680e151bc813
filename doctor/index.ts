/**
 * Finds out why a client cannot connect or log in.
 *
 * @module ioredis-azure/doctor
 */
import { raceSignal } from '../lib/timing/timeouts.js';
import { TrialClient, TrialError } from './client.js';
import { type DiagnosisSection, type Finding, type Section, sectionOf, sentence } from './finding.js';
import { acquireIdentity, type DiagnosedIdentity } from './identity.js';
import { checkKind } from './kind.js';
import { checkLogin } from './login.js';
import { checkNetwork } from './network.js';
import { type Context, contextOf, type DiagnoseOptions } from './options.js';
import { checkPermissions } from './permissions.js';
import { checkPosture } from './posture.js';
import { checkResource } from './resource.js';
import { checkTls } from './tls.js';
import { checkUpkeep } from './upkeep.js';

export type { Identities } from '../lib/configure/options.js';
export type { DiagnosisSection, Finding, FindingSeverity, FindingStatus } from './finding.js';
export type { DiagnoseOptions } from './options.js';

/** Begins a section, unless the diagnosis has ended. */
type Open = (name: DiagnosisSection) => Section;

/** The sections in their order, and the check that stands for one that is skipped. */
const SECTIONS = {
  network: 'dns',
  tls: 'version',
  identity: 'credential',
  login: 'auth',
  permissions: 'permissions',
  kind: 'kind',
  posture: 'posture',
  liveness: 'liveness',
} as const satisfies Record<DiagnosisSection, string>;

const UNREACHABLE = 'The cache cannot be reached.';
const UNVERIFIED = 'Credentials are not sent to a server that did not pass the TLS checks.';

/**
 * Checks everything between this process and a cache, as `npx ioredis-azure doctor` does: name and network, TLS, identity,
 * login, permissions, kind of cache, security posture, and whether a connection survives a refresh. It ends early only
 * where nothing further can be tried, or when its time is over. Trials use a key of their own, which is removed and expires.
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
export async function diagnose(options: DiagnoseOptions): Promise<Finding[]> {
  const end = new AbortController();
  const context = contextOf(options, end.signal);
  const { signal, timeout } = context;
  signal.throwIfAborted();
  const findings: Finding[] = [];
  const add = (finding: Finding): void => {
    // What is still under way when the diagnosis ends has nothing to add.
    if (signal.aborted) return;
    findings.push(finding);
    options.onFinding?.(finding);
  };
  const open: Open = (name) => {
    signal.throwIfAborted();
    return sectionOf(name, context, add);
  };
  const timer = setTimeout(() => {
    reportTimeLimit(open, findings.at(-1)?.section ?? 'network', timeout);
    end.abort();
  }, timeout);
  try {
    await raceSignal(runSections(context, open, add), signal);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    // Closes what is open.
    end.abort();
  }
  return findings;
}

async function runSections(context: Context, open: Open, add: (finding: Finding) => void): Promise<void> {
  const identityFindings: Finding[] = [];
  // Meanwhile: a token takes as long as the checks of the network and of TLS.
  const acquiring = acquireIdentity(
    sectionOf('identity', context, (finding) => identityFindings.push(finding)),
  );
  acquiring.catch(() => undefined);
  const reachable = await checkNetwork(open('network'));
  const isReachable = reachable.length > 0;
  if (!isReachable) skip(['tls'], UNREACHABLE, open);
  const isSecure = isReachable && (await checkTls(open('tls')));
  const identity = await acquiring;
  identityFindings.forEach(add);
  const canLogIn = isSecure && identity !== undefined;
  const client = canLogIn ? await checkCache(context, identity, open) : undefined;
  if (!canLogIn) {
    const obstacle = isSecure ? 'No token was acquired.' : UNVERIFIED;
    skip(['login', 'permissions', 'kind'], isReachable ? obstacle : UNREACHABLE, open);
  }
  await checkPosture(open('posture'), reachable, { isSecure, isLoggedIn: client !== undefined });
  if (context.options.resourceId !== undefined) await checkResource(open('posture'), identity?.objectId);
  if (client) await attempt(open('liveness'), (section) => checkUpkeep(section, client));
  else skip(['liveness'], 'There is no connection to the cache.', open);
}

/** The sections that need a login. Resolves to a client that can use the cache, if any. */
async function checkCache(
  context: Context,
  identity: DiagnosedIdentity,
  open: Open,
): Promise<TrialClient | undefined> {
  const isAccepted = await checkLogin(open('login'), identity);
  if (!isAccepted) {
    skip(['permissions', 'kind'], 'The login failed.', open);
    return undefined;
  }
  const client = new TrialClient(context, identity);
  const allowsInfo = await attempt(open('permissions'), (section) => checkPermissions(section, client));
  if (allowsInfo === undefined) {
    skip(['kind'], 'The connection failed.', open);
    return undefined;
  }
  const isUsable = await attempt(open('kind'), (section) => checkKind(section, client, allowsInfo));
  return isUsable && client;
}

/** Runs a check of a connection; a failure of the connection is reported, and resolves to `undefined`. */
async function attempt<Result>(
  section: Section,
  check: (section: Section) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await check(section);
  } catch (error) {
    if (!(error instanceof TrialError)) throw error;
    section.report('connection', {
      error: `The connection of ioredis failed: ${sentence(error.message)}`,
      why: error.message.startsWith('READONLY')
        ? 'The connection leads to a replica: a failover has not ended.'
        : 'A separate connection logged in before: the cache, or a device on the way, closed this one or does not answer.',
      remedy:
        'Run the doctor again; on a slow network, with a longer `timeout` (`--timeout`). If the error persists, see Resource health of the cache (Azure portal).',
    });
    return undefined;
  }
}

function skip(sections: readonly DiagnosisSection[], message: string, open: Open): void {
  for (const name of sections) open(name).report(SECTIONS[name], { skipped: message });
}

/** @param begun The section that is under way. */
function reportTimeLimit(open: Open, begun: DiagnosisSection, timeout: number): void {
  open(begun).report('timeout', {
    error: `The diagnosis was ended after ${timeout} ms, its time limit.`,
    why: 'The network, the identity service or the cache answers slowly, or not at all.',
    remedy: 'See the findings so far, or set a longer `timeout` (`--timeout`).',
  });
  const sections = Object.keys(SECTIONS) as DiagnosisSection[];
  skip(sections.slice(sections.indexOf(begun) + 1), 'The time limit was reached.', open);
}
