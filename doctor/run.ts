import { setMaxListeners } from 'node:events';
import { checkIdentity as checkIdentityOptions } from '../lib/configure/identity.js';
import { endpointOptions } from '../lib/configure/endpoint.js';
import { authenticatorSettings } from '../lib/configure/settings.js';
import { assertOption, isDuration, kindOf } from '../lib/validation.js';
import { azCommands } from './az-commands.js';
import { azureTarget } from './azure-target.js';
import type { DiagnosisContext } from './context.js';
import { SectionReport, sentence, type DiagnosisSection, type Finding } from './finding.js';
import { checkIdentity, type DiagnosedIdentity } from './identity.js';
import { checkKind } from './kind.js';
import { checkLiveness } from './liveness.js';
import { checkLogin } from './login.js';
import { managementEndpoint } from './management-client.js';
import { checkNetwork } from './network.js';
import type { DiagnoseOptions } from './options.js';
import { checkPermissions } from './permissions.js';
import { checkPosture } from './posture.js';
import { createResolver, lookupWith } from './resolver.js';
import { checkResource } from './resource-manager.js';
import { Session, SessionError } from './session.js';
import { checkTls } from './tls.js';
import { text } from './token-description.js';

const DEFAULT_TIMEOUT = 3_000;

const UNREACHABLE = 'The cache cannot be reached.';
const UNVERIFIED = 'Credentials are not sent to a server that did not pass the TLS checks.';

/** Runs the checks of all sections, in order. @throws AzureRedisError if an option is not valid. */
export async function runDiagnosis(options: DiagnoseOptions): Promise<Finding[]> {
  const context = contextOf(options);
  context.signal.throwIfAborted();
  const findings: Finding[] = [];
  await runSections(context, (finding) => {
    findings.push(finding);
    options.onFinding?.(finding);
  });
  return findings;
}

async function runSections(context: DiagnosisContext, add: (finding: Finding) => void): Promise<void> {
  const { signal, options } = context;
  const reportOf: ReportOf = (section) => new SectionReport(section, add);
  const identityFindings: Finding[] = [];
  // Meanwhile: a token takes as long as the checks of the network and of TLS.
  const acquired = checkIdentity(
    context,
    new SectionReport('identity', (finding) => identityFindings.push(finding)),
  );
  acquired.catch(() => undefined);
  let session: Session | undefined;
  try {
    const network = await checkNetwork(context, reportOf('network'));
    signal.throwIfAborted();
    const isReachable = network.reachable.length > 0;
    if (!isReachable) reportOf('tls').skipped('version', UNREACHABLE);
    const isSecure = isReachable && (await checkTls(context, reportOf('tls'))).isSecure;
    const identity = await acquired;
    signal.throwIfAborted();
    identityFindings.forEach(add);
    session = await checkCache(context, identity, { isReachable, isSecure }, reportOf);
    signal.throwIfAborted();
    await checkPosture(
      context,
      { network, isSecure, isLoggedIn: session !== undefined },
      reportOf('posture'),
    );
    if (options.resourceId !== undefined) {
      await checkResource(context, identity && text(identity.claims, 'oid'), reportOf('posture'));
    }
    signal.throwIfAborted();
    await checkLife(context, identity, session, reportOf('liveness'));
  } finally {
    session?.close();
    const identity = await acquired.catch(() => undefined);
    if (!options.authenticator) identity?.clientOptions.authenticator.close();
  }
}

type ReportOf = (section: DiagnosisSection) => SectionReport;

/** The sections that need a login. Resolves to a client that can use the cache, if any. */
async function checkCache(
  context: DiagnosisContext,
  identity: DiagnosedIdentity | undefined,
  { isReachable, isSecure }: { readonly isReachable: boolean; readonly isSecure: boolean },
  reportOf: ReportOf,
): Promise<Session | undefined> {
  const skip = (sections: readonly DiagnosisSection[], reason: string): void => {
    for (const section of sections) reportOf(section).skipped(section === 'login' ? 'auth' : section, reason);
  };
  if (!isReachable || !isSecure || !identity) {
    const untried = isSecure ? 'No token was acquired.' : UNVERIFIED;
    skip(['login', 'permissions', 'kind'], isReachable ? untried : UNREACHABLE);
    return undefined;
  }
  const { isAccepted } = await checkLogin(context, identity, reportOf('login'));
  context.signal.throwIfAborted();
  if (!isAccepted) {
    skip(['permissions', 'kind'], 'The login failed.');
    return undefined;
  }
  const permissions = reportOf('permissions');
  const session = await attempt(context, permissions, () => Session.open(context, identity));
  const found =
    session &&
    (await attempt(context, permissions, () => checkPermissions(context, session, identity, permissions)));
  if (!found) skip(['kind'], 'The connection failed.');
  const isUsable =
    found &&
    (await attempt(context, reportOf('kind'), async () => {
      await checkKind(context, session, identity, found, reportOf('kind'));
      return true;
    }));
  if (isUsable) return session;
  session?.close();
  return undefined;
}

async function checkLife(
  context: DiagnosisContext,
  identity: DiagnosedIdentity | undefined,
  session: Session | undefined,
  report: SectionReport,
): Promise<void> {
  if (identity && session) {
    await attempt(context, report, () => checkLiveness(context, session, identity, report));
  } else {
    report.skipped('liveness', 'There is no connection to the cache.');
  }
}

/** Runs checks of a session; a connection that fails is reported, and resolves to `undefined`. */
async function attempt<Result>(
  { signal }: DiagnosisContext,
  report: SectionReport,
  check: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await check();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SessionError)) throw error;
    report.error('connection', `The connection of ioredis failed: ${sentence(error.message)}`, {
      severity: 'high',
      why: 'A separate connection logged in before: the cache, or a device on the way, closed this one or does not answer.',
      remedy:
        'Run the doctor again; on a slow network, with a longer `timeout` (`--timeout`). If the error persists, see Resource health of the cache (Azure portal).',
    });
    return undefined;
  }
}

function contextOf(options: DiagnoseOptions): DiagnosisContext {
  assertObject(options);
  const { host, timeout = DEFAULT_TIMEOUT, dnsServers, plainPort, resourceId } = options;
  const { port = 0, tls } = endpointOptions(options);
  checkIdentityOptions(options);
  const { authorityHost, scope } = authenticatorSettings(options);
  assertOption(isDuration(timeout) && timeout > 0, 'timeout', timeout, 'a number of milliseconds above 0');
  assertOption(
    plainPort === undefined || (Number.isInteger(plainPort) && plainPort > 0 && plainPort < 65536),
    'plainPort',
    plainPort,
    'a whole number from 1 to 65535',
  );
  assertDnsServers(dnsServers);
  if (resourceId !== undefined) managementEndpoint(options);
  const target = azureTarget(host, resourceId);
  const signal = AbortSignal.any(options.signal ? [options.signal] : []);
  // Probes run side by side, each with a listener.
  setMaxListeners(0, signal);
  const resolve = createResolver(dnsServers, timeout, signal);
  const lookup = dnsServers && lookupWith(resolve);
  return {
    ...{ options, host, port, tls, authorityHost, scope, target, timeout, signal, resolve, lookup },
    az: azCommands(target),
  };
}

function assertObject(options: unknown): void {
  assertOption(typeof options === 'object' && options !== null, 'options', options, 'an object', {
    got: kindOf(options),
  });
}

function assertDnsServers(servers: unknown): void {
  assertOption(
    servers === undefined ||
      (Array.isArray(servers) && servers.length > 0 && servers.every((server) => isDnsServer(server))),
    'dnsServers',
    servers,
    'an array of IP addresses, each with or without a port',
  );
}

function isDnsServer(server: unknown): boolean {
  return (
    typeof server === 'string' && /^(\d+(\.\d+){3}(:\d+)?|[\da-f:]+|\[[\da-f:]+\](:\d+)?)$/i.test(server)
  );
}
