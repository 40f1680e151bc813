import { isIP, isIPv4 } from 'node:net';
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { AzureRedisError } from '../errors.js';

/** The versions of TLS below 1.2, as Node names them. */
const OUTDATED_VERSIONS: ReadonlySet<unknown> = new Set(['TLSv1', 'TLSv1.1']);

/** The prefix of the OpenSSL methods that allow nothing below TLS 1.2. */
const SAFE_SECURE_PROTOCOL = 'TLSv1_2_';

/** The context of the latest connection with each `tls` option, and the value of that option at the time. */
const contexts = new WeakMap<
  ConnectionOptions,
  { readonly given: ConnectionOptions; readonly context: SecureContext }
>();

/** Whether data sent to this host never leaves the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** A token would be sent over plain TCP. */
export function plainTcpError(peer: string): AzureRedisError {
  return new AzureRedisError(
    'INSECURE_CONNECTION',
    `Without TLS the token would be sent to ${peer} over plain TCP.`,
    'Remove `tls: false` from the options of configureForAzure(), and keep the `tls` that it returns. Plain TCP is allowed ' +
      'for loopback hosts only.',
  );
}

/**
 * Completes TLS options so that the server is verified and TLS is 1.2 or newer.
 *
 * @param name The name that the server's certificate must be valid for, unless `tls.servername` is given.
 * @throws AzureRedisError `INSECURE_CONNECTION` if the options do not permit that.
 */
export function secureTlsOptions(tls: ConnectionOptions, name?: string): ConnectionOptions {
  requireVerification(tls);
  requireModernTls(tls);
  return {
    // Node rejects `secureProtocol` together with a minimum version.
    ...(tls.secureProtocol === undefined && { minVersion: 'TLSv1.2' }),
    ...(name !== undefined && isIP(name) === 0 && { servername: name }),
    ...defined(tls),
    ...(tls.checkServerIdentity && { checkServerIdentity: nameCheckBefore(tls.checkServerIdentity) }),
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not apply.
    rejectUnauthorized: true,
  };
}

/**
 * Completes the TLS options of a client, which may differ from the configured ones: the server must be one of those that were
 * configured, whatever its address.
 *
 * @param names The configured names, the first of which is the default.
 * @throws AzureRedisError `INSECURE_CONNECTION` if the options do not permit that, or name another server.
 */
export function tlsOptionsFor(
  tls: ConnectionOptions,
  host: string,
  names: ReadonlySet<string>,
): ConnectionOptions {
  const [firstName = host] = names;
  const name = tls.servername ?? (names.has(host) ? host : firstName);
  if (names.size > 0 && !names.has(name)) throw otherServerError(name, firstName);
  const { checkServerIdentity: ownCheck = () => undefined, ...secured } = secureTlsOptions(tls, name);
  // With the name, since Node.js would check an address instead, or `tls.host`.
  return {
    ...secured,
    checkServerIdentity: (_host, certificate) =>
      checkServerIdentity(name, certificate) ?? ownCheck(name, certificate),
  };
}

/**
 * The TLS context for a connection with the `tls` option of a client, completed by {@link tlsOptionsFor}. Node.js would create
 * one for each connection and parse its certificates again, which is a third of the work of a handshake.
 */
export function secureContextFor(given: ConnectionOptions, completed: ConnectionOptions): SecureContext {
  if (given.secureContext) return given.secureContext;
  const known = contexts.get(given);
  // Its certificates may have been replaced in place.
  if (known && isSame(known.given, given)) return known.context;
  const context = createSecureContext(completed);
  // ioredis also takes `true`, for the defaults.
  if (typeof given === 'object') contexts.set(given, { given: { ...given }, context });
  return context;
}

function isSame(one: object, other: object): boolean {
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([name, value]) => Reflect.get(other, name) === value)
  );
}

/** Destroys a socket that has negotiated an older TLS, which a `secureContext` may permit. */
export function requireModernProtocol(socket: TLSSocket): void {
  const protocol = socket.getProtocol();
  if (protocol === 'TLSv1.2' || protocol === 'TLSv1.3') return;
  socket.destroy(outdatedTlsError('secureContext', protocol ?? 'none'));
}

function requireVerification({ rejectUnauthorized }: ConnectionOptions): void {
  // Node.js treats any falsy value as `false`.
  if (rejectUnauthorized === undefined || rejectUnauthorized) return;
  throw new AzureRedisError(
    'INSECURE_CONNECTION',
    '`tls.rejectUnauthorized: false` would send the token to a server whose identity is not verified.',
    'Set `tls.ca` for a certificate of a private authority, and `tls.servername` for one with another name than `host`.',
  );
}

function requireModernTls({ minVersion, maxVersion, secureProtocol }: ConnectionOptions): void {
  const outdated = Object.entries({ minVersion, maxVersion }).find(([, version]) =>
    OUTDATED_VERSIONS.has(version),
  );
  if (outdated) throw outdatedTlsError(...outdated);
  if (secureProtocol !== undefined && !secureProtocol.startsWith(SAFE_SECURE_PROTOCOL)) {
    throw outdatedTlsError('secureProtocol', secureProtocol);
  }
}

function outdatedTlsError(option: string, value = ''): AzureRedisError {
  return new AzureRedisError(
    'INSECURE_CONNECTION',
    `\`tls.${option}\` must not allow TLS below 1.2, got '${value}'.`,
    `Remove \`tls.${option}\`: the default is TLS 1.2 or newer.`,
  );
}

function otherServerError(name: string, configured: string): AzureRedisError {
  return new AzureRedisError(
    'INSECURE_CONNECTION',
    `\`tls.servername\` is '${name}', but the client was configured for '${configured}'.`,
    'Set `tls.servername` in the options of configureForAzure(), whose result is the options of the client.',
  );
}

/** A custom check, such as certificate pinning, follows the check of the name and does not replace it. */
function nameCheckBefore(
  own: NonNullable<ConnectionOptions['checkServerIdentity']>,
): NonNullable<ConnectionOptions['checkServerIdentity']> {
  return (host, certificate) => checkServerIdentity(host, certificate) ?? own(host, certificate);
}

/** Omits undefined values, which Node.js would use instead of its defaults. */
function defined(options: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
