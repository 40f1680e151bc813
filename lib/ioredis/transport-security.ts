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

/** How Node's names of the OpenSSL methods begin that allow nothing below TLS 1.2. */
const SAFE_SECURE_PROTOCOL = 'TLSv1_2_';

/** The context of the latest connection with each `tls` option, and what that option was then. */
const contexts = new WeakMap<
  ConnectionOptions,
  { readonly given: ConnectionOptions; readonly context: SecureContext }
>();

/** Whether what is sent to this host never leaves the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** A token would be sent over plain TCP. */
export function plainTcpError(peer: string): AzureRedisError {
  return new AzureRedisError(
    'INSECURE_CONNECTION',
    `Without TLS the token would be sent to ${peer} over plain TCP.`,
    'Remove `tls` from what configureForAzure() is given, and keep the one that it returns. Plain TCP is for ' +
      '`localhost` only.',
  );
}

/**
 * Completes TLS options such that the server is verified and TLS is 1.2 or newer.
 *
 * @param name The name that the server's certificate must be valid for, unless `tls.servername` is given.
 * @throws AzureRedisError `INSECURE_CONNECTION` if the options rule that out.
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
 * The same for a client's own options, which may differ from the configured ones: the server is one of those that were
 * configured, whichever address is connected to.
 *
 * @param names The configured names, the first of which is the default.
 * @throws AzureRedisError `INSECURE_CONNECTION` if the options rule that out, or name another server.
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
  // By the name, since Node would take an address in its place, or a `tls.host`.
  return {
    ...secured,
    checkServerIdentity: (_host, certificate) =>
      checkServerIdentity(name, certificate) ?? ownCheck(name, certificate),
  };
}

/**
 * The TLS context for a connection with the `tls` option of a client, completed by {@link tlsOptionsFor}. Node would create
 * one for each connection, and parse the certificates in it again, which is a third of the work of a handshake.
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

/** Destroys a socket that has negotiated an older TLS: a `secureContext` has versions of its own. */
export function requireModernProtocol(socket: TLSSocket): void {
  const protocol = socket.getProtocol();
  if (protocol === 'TLSv1.2' || protocol === 'TLSv1.3') return;
  socket.destroy(outdatedTlsError('secureContext', protocol ?? 'none'));
}

function requireVerification({ rejectUnauthorized }: ConnectionOptions): void {
  // Node takes any false value for a `false`.
  if (rejectUnauthorized === undefined || rejectUnauthorized) return;
  throw new AzureRedisError(
    'INSECURE_CONNECTION',
    '`tls.rejectUnauthorized: false` would send the token to a server whose identity is not verified.',
    'For a certificate of a private authority set `tls.ca`; for one with a different name than `host` set ' +
      '`tls.servername`.',
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
    'Give `tls.servername` to configureForAzure(), which the options of the client come from.',
  );
}

/** An own check, such as of a pinned certificate, is made after that of the name; it does not replace it. */
function nameCheckBefore(
  own: NonNullable<ConnectionOptions['checkServerIdentity']>,
): NonNullable<ConnectionOptions['checkServerIdentity']> {
  return (host, certificate) => checkServerIdentity(host, certificate) ?? own(host, certificate);
}

/** Leaves out what is `undefined`, which Node would take in place of its default. */
function defined(options: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
