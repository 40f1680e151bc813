import { isIP, isIPv4 } from 'node:net';
import { checkServerIdentity, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { AzureRedisError } from '../errors.js';
import { conflictingOptions } from '../validation.js';
import type { ClientOptions } from './client.js';
import { contextOf, isGiven, requireValidTypes } from './tls-options.js';

/** The versions of TLS below 1.2, as Node.js names them. */
const OUTDATED_VERSIONS: ReadonlySet<unknown> = new Set(['TLSv1', 'TLSv1.1']);

/** The prefix of the OpenSSL methods that allow nothing below TLS 1.2. */
const SAFE_SECURE_PROTOCOL = 'TLSv1_2_';

type IdentityCheck = NonNullable<ConnectionOptions['checkServerIdentity']>;

/** The `tls` option of a client, completed for its connections. */
interface CompletedTls {
  /** The option at the time: a certificate may be replaced in place. */
  readonly given: ConnectionOptions;
  readonly name: string;
  readonly options: ConnectionOptions;
}

/**
 * Completed once for each `tls` option, not for each client or connection: creating a context and parsing its certificates is
 * a third of the work of a handshake.
 */
const completed = new WeakMap<ConnectionOptions, CompletedTls>();

/** The caller's own check behind each check of this module: options are completed again for each client. */
const ownChecks = new WeakMap<IdentityCheck, IdentityCheck>();

/** Stands for `true`, which ioredis also takes for `tls`. */
const DEFAULTS: ConnectionOptions = {};

/**
 * The TLS options of a client's next connection; `undefined` for plain TCP to a loopback host, or a Unix socket. A client's
 * options may differ from those that `configureForAzure()` returned.
 *
 * @param servers The names of the configured servers, the first of which is the default.
 * @throws AzureRedisError if the options would send a token to an unverified server, or to one that was not configured.
 */
export function secureTransport(
  { host = 'localhost', path, tls, sentinels }: ClientOptions,
  servers: ReadonlySet<string>,
): ConnectionOptions | undefined {
  rejectSentinels(sentinels);
  if (!tls) {
    if (path || isLoopback(host)) return undefined;
    throw plainTcpError(host);
  }
  const option = typeof tls === 'object' ? tls : DEFAULTS;
  const [firstServer = host] = servers;
  const name = option.servername ?? (servers.has(host) ? host : firstServer);
  if (servers.size > 0 && !servers.has(name)) throw otherServerError(name, firstServer);
  return connectionTls(option, name);
}

/**
 * Completes the option `tls`, so that the server is verified and TLS is 1.2 or newer.
 *
 * @param host The name that the server's certificate must be valid for, unless `tls.servername` is given.
 * @throws AzureRedisError `INVALID_OPTION`, or `INSECURE_CONNECTION` if the option does not permit that.
 */
export function secureTlsOptions(tls: ConnectionOptions, host: string): ConnectionOptions {
  const options = secured(tls, host);
  // For a `Connector` of the caller; ours adds its own.
  if (isGiven(tls.checkServerIdentity))
    options.checkServerIdentity = nameCheckBefore(tls.checkServerIdentity);
  connectionTls(options, options.servername ?? host);
  return options;
}

/** Whether data sent to this host never leaves the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** A token would be sent over plain TCP. */
export function plainTcpError(host: string): AzureRedisError {
  return insecure(
    `Without TLS the token would be sent to ${host} over plain TCP.`,
    'Remove `tls: false` from the options of configureForAzure(), and keep the `tls` that it returns. Plain TCP is allowed ' +
      'for loopback hosts only.',
  );
}

/** @throws AzureRedisError `CONFLICTING_OPTIONS`: the token would be sent to whatever server the sentinels name. */
export function rejectSentinels(sentinels: unknown): void {
  if (!sentinels) return;
  throw conflictingOptions(
    '`sentinels` conflicts with `host`: Azure Redis has no Sentinel, and fails over behind its host name.',
    'Remove `sentinels` and `name`, and set `host` to the host name of the cache.',
  );
}

/** Destroys a socket that has negotiated an older TLS, which a `secureContext` may permit. */
export function requireModernProtocol(socket: TLSSocket): void {
  const protocol = socket.getProtocol();
  if (protocol === 'TLSv1.2' || protocol === 'TLSv1.3') return;
  socket.destroy(outdatedTlsError('secureContext', protocol ?? 'none'));
}

/** The options of connections to the server with this name, with the context that they share. */
function connectionTls(option: ConnectionOptions, name: string): ConnectionOptions {
  const known = completed.get(option);
  if (known?.name === name && isSame(known.given, option)) return known.options;
  const options = {
    ...secured(option, name),
    // Checks `name` explicitly: Node.js would check the address, or `tls.host`.
    checkServerIdentity: nameCheckBefore(option.checkServerIdentity, name),
  };
  options.secureContext ??= contextOf(options);
  completed.set(option, { given: { ...option }, name, options });
  return options;
}

/** @throws AzureRedisError `INVALID_OPTION` or `INSECURE_CONNECTION`. */
function secured(tls: ConnectionOptions, name: string): ConnectionOptions {
  requireValidTypes(tls);
  requireVerification(tls);
  requireModernTls(tls);
  return {
    // Node.js rejects `secureProtocol` together with a minimum version.
    ...(!isGiven(tls.secureProtocol) && { minVersion: 'TLSv1.2' }),
    ...(isIP(name) === 0 && { servername: name }),
    // Node.js would use undefined values instead of its defaults.
    ...Object.fromEntries(Object.entries(tls).filter(([, value]) => isGiven(value))),
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not apply.
    rejectUnauthorized: true,
  };
}

function requireVerification({ rejectUnauthorized, session }: ConnectionOptions): void {
  // Node.js treats any falsy value as `false`.
  if (rejectUnauthorized !== undefined && !rejectUnauthorized) {
    throw insecure(
      '`tls.rejectUnauthorized: false` would send the token to a server whose identity is not verified.',
      'Set `tls.ca` for a certificate of a private authority, and `tls.servername` for one with another name than `host`.',
    );
  }
  if (isGiven(session)) {
    throw insecure(
      '`tls.session` would send the token to a server whose name is not verified: Node.js does not check it on resumption.',
      'Remove `tls.session`.',
    );
  }
}

function requireModernTls({ minVersion, maxVersion, secureProtocol }: ConnectionOptions): void {
  const outdated = Object.entries({ minVersion, maxVersion }).find(([, version]) =>
    OUTDATED_VERSIONS.has(version),
  );
  if (outdated) throw outdatedTlsError(...outdated);
  if (isGiven(secureProtocol) && !String(secureProtocol).startsWith(SAFE_SECURE_PROTOCOL)) {
    throw outdatedTlsError('secureProtocol', String(secureProtocol));
  }
}

/** A custom check, such as certificate pinning, follows the check of the name and does not replace it. */
function nameCheckBefore(check: IdentityCheck = () => undefined, name?: string): IdentityCheck {
  const own = ownChecks.get(check) ?? check;
  const both: IdentityCheck = (host, certificate) =>
    checkServerIdentity(name ?? host, certificate) ?? own(name ?? host, certificate);
  ownChecks.set(both, own);
  return both;
}

function outdatedTlsError(option: string, value = ''): AzureRedisError {
  return insecure(
    `\`tls.${option}\` must not allow TLS below 1.2, got '${value}'.`,
    `Remove \`tls.${option}\`: the default is TLS 1.2 or newer.`,
  );
}

function otherServerError(name: string, configured: string): AzureRedisError {
  return insecure(
    `\`tls.servername\` is '${name}', but the client was configured for '${configured}'.`,
    'Set `tls.servername` in the options of configureForAzure(), whose result is the options of the client.',
  );
}

function insecure(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('INSECURE_CONNECTION', message, hint);
}

function isSame(one: object, other: object): boolean {
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([name, value]) => Reflect.get(other, name) === value)
  );
}
