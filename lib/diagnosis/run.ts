import { setMaxListeners } from 'node:events';
import { checkIdentity as checkIdentityOptions } from '../configure/identity.js';
import { endpointOptions } from '../configure/endpoint.js';
import { authenticatorSettings } from '../configure/settings.js';
import { messageOf } from '../redaction.js';
import { assertOption, isDuration, kindOf } from '../validation.js';
import { azCommands } from './az-commands.js';
import { azureTarget } from './azure-target.js';
import type { DiagnosisContext } from './context.js';
import { SectionReport, type DiagnosisSection, type Finding } from './finding.js';
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
import { Session } from './session.js';
import { checkTls } from './tls.js';
import { text } from './token-description.js';

const DEFAULT_TIMEOUT = 3_000;

/** Runs the checks of all sections, in order. @throws AzureRedisError if an option is not valid. */
export async function runDiagnosis(options: DiagnoseOptions): Promise<Finding[]> {
  const context = contextOf(options);
  context.signal.throwIfAborted();
  const findings: Finding[] = [];
  const reportOf = (section: DiagnosisSection): SectionReport =>
    new SectionReport(section, (finding) => {
      findings.push(finding);
      options.onFinding?.(finding);
    });
  await runSections(context, reportOf);
  return findings;
}

type ReportOf = (section: DiagnosisSection) => SectionReport;

async function runSections(context: DiagnosisContext, reportOf: ReportOf): Promise<void> {
  const { signal, options } = context;
  const network = await checkNetwork(context, reportOf('network'));
  signal.throwIfAborted();
  const isReachable = network.reachable.length > 0;
  if (!isReachable) reportOf('tls').skipped('version', 'The cache is not reached.');
  const isSecure = isReachable && (await checkTls(context, reportOf('tls'))).isSecure;
  signal.throwIfAborted();
  const identity = await checkIdentity(context, reportOf('identity'));
  try {
    signal.throwIfAborted();
    const isLoggedIn = await checkCache(context, identity, { isReachable, isSecure }, reportOf);
    signal.throwIfAborted();
    const posture = reportOf('posture');
    const input = { network, usesAccessKey: options.accessKey !== undefined, isLoggedIn };
    await checkPosture(context, input, posture);
    if (options.resourceId !== undefined) {
      await checkResource(context, identity && text(identity.claims, 'oid'), posture);
    }
    signal.throwIfAborted();
    await checkLife(context, identity, isLoggedIn, reportOf);
  } finally {
    if (!options.authenticator) identity?.clientOptions.authenticator.close();
  }
}

/** The sections that need the cache: whether a login was accepted. */
async function checkCache(
  context: DiagnosisContext,
  identity: DiagnosedIdentity | undefined,
  { isReachable, isSecure }: { readonly isReachable: boolean; readonly isSecure: boolean },
  reportOf: ReportOf,
): Promise<boolean> {
  const obstacle = !isReachable
    ? 'The cache is not reached.'
    : !isSecure
      ? 'A token is not sent to a server that is not verified.'
      : 'There is no token to log in with.';
  if (!isReachable || !isSecure || !identity) {
    reportOf('login').skipped('auth', obstacle);
    skip(['permissions', 'kind'], obstacle, reportOf);
    return false;
  }
  const { isAccepted } = await checkLogin(context, identity, reportOf('login'));
  context.signal.throwIfAborted();
  if (!isAccepted) {
    skip(['permissions', 'kind'], 'The login was refused.', reportOf);
    return false;
  }
  return withSession(context, identity, reportOf('permissions'), async (session) => {
    const permissions = await checkPermissions(context, session, identity, reportOf('permissions'));
    context.signal.throwIfAborted();
    await checkKind(context, session, identity, permissions, reportOf('kind'));
  });
}

async function checkLife(
  context: DiagnosisContext,
  identity: DiagnosedIdentity | undefined,
  isLoggedIn: boolean,
  reportOf: ReportOf,
): Promise<void> {
  if (!identity || !isLoggedIn) {
    skip(['liveness'], 'There is no connection that is logged in.', reportOf);
    return;
  }
  const report = reportOf('liveness');
  await withSession(context, identity, report, (session) =>
    checkLiveness(context, session, identity, report),
  );
}

/** Whether a client could connect as the application would. */
async function withSession(
  context: DiagnosisContext,
  identity: DiagnosedIdentity,
  report: SectionReport,
  use: (session: Session) => Promise<void>,
): Promise<boolean> {
  let session: Session;
  try {
    session = await Session.open(context, identity);
  } catch (error) {
    context.signal.throwIfAborted();
    report.error('connection', `ioredis did not connect: ${messageOf(error)}`, {
      severity: 'high',
      remedy: 'See the findings before: the login succeeded on a separate connection.',
    });
    return false;
  }
  try {
    await use(session);
    return true;
  } finally {
    session.close();
  }
}

function skip(sections: readonly DiagnosisSection[], message: string, reportOf: ReportOf): void {
  for (const section of sections) reportOf(section).skipped(section, message);
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
