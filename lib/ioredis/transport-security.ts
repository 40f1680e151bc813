import { isIP, isIPv4 } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { AzureRedisError } from '../errors.js';

/** The versions of TLS below 1.2, as Node names them. */
const OUTDATED_VERSIONS: ReadonlySet<unknown> = new Set(['TLSv1', 'TLSv1.1']);

/** How Node's names of the OpenSSL methods begin that allow nothing below TLS 1.2. */
const SAFE_SECURE_PROTOCOL = 'TLSv1_2_';

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
 * @param servername The name that the server's certificate must be valid for, unless `tls` has another one.
 * @throws AzureRedisError `INSECURE_CONNECTION` if the options rule that out.
 */
export function secureTlsOptions(tls: ConnectionOptions, servername?: string): ConnectionOptions {
  requireVerification(tls);
  requireModernTls(tls);
  return {
    // Node rejects `secureProtocol` together with a minimum version.
    ...(tls.secureProtocol === undefined && { minVersion: 'TLSv1.2' }),
    ...(servername !== undefined && isIP(servername) === 0 && { servername }),
    ...defined(tls),
    ...(tls.checkServerIdentity && { checkServerIdentity: nameCheckBefore(tls.checkServerIdentity) }),
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not apply.
    rejectUnauthorized: true,
  };
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
