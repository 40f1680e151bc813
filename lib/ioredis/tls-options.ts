import { X509Certificate } from 'node:crypto';
import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import { assertOption, invalidOption, isDuration, isText, kindOf, shown } from '../validation.js';

/** What Node.js requires of the options that it uses after the connection has begun, where an error would end the process. */
const TYPES: readonly (readonly [
  name: keyof ConnectionOptions,
  isValid: (value: unknown) => boolean,
  expected: string,
])[] = [
  ['checkServerIdentity', isFunction, 'a function'],
  ['pskCallback', isFunction, 'a function'],
  ['lookup', isFunction, 'a function'],
  ['servername', isText, 'a host name'],
  [
    'ALPNProtocols',
    (value) => Array.isArray(value) || ArrayBuffer.isView(value),
    'an array of protocol names',
  ],
  ['minDHSize', (value) => typeof value === 'number', 'a number of bits'],
  ['timeout', isDuration, 'a number of milliseconds'],
  ['secureContext', (value) => typeof value === 'object', 'the result of tls.createSecureContext()'],
];

/** @throws AzureRedisError `INVALID_OPTION`. */
export function requireValidTypes(tls: ConnectionOptions): void {
  for (const [name, isValid, expected] of TYPES) {
    const value = tls[name];
    assertOption(!isGiven(value) || isValid(value), `tls.${name}`, value, expected);
  }
}

/** Options that hold the content of a file. */
const CONTENTS: ReadonlySet<string> = new Set(['ca', 'cert', 'key', 'pfx', 'crl', 'dhparam']);

/**
 * The TLS context of these options.
 *
 * @throws AzureRedisError `INVALID_OPTION`, which names the option, and shows neither a key nor a passphrase.
 */
export function contextOf(options: ConnectionOptions): SecureContext {
  if (isGiven(options.ca)) requireAuthorities(options.ca);
  try {
    return createSecureContext(options);
  } catch (error) {
    const wrong = Object.entries(options).find((option) => !isAccepted(option, options.passphrase))?.[0];
    // Only its code, since the message may quote a secret.
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw invalidOption(
      `\`${wrong === undefined ? 'tls' : `tls.${wrong}`}\` is not valid: Node.js reports ${code}.`,
      wrong !== undefined && CONTENTS.has(wrong)
        ? contentHint(wrong)
        : 'Set what tls.connect() of Node.js accepts.',
    );
  }
}

function isAccepted([name, value]: readonly [string, unknown], passphrase: string | undefined): boolean {
  try {
    return Boolean(createSecureContext({ passphrase, [name]: value }));
  } catch {
    return false;
  }
}

/** Node.js ignores what is no certificate, and would fail later without saying so. */
function requireAuthorities(ca: unknown): void {
  const authorities: unknown[] = Array.isArray(ca) ? ca : [ca];
  const wrong = authorities.findIndex((authority) => !isCertificate(authority));
  const value = authorities[wrong];
  const isPath = typeof value === 'string' && !value.includes('-----');
  assertOption(authorities.length > 0 && wrong === -1, 'tls.ca', value, 'certificates in PEM format', {
    hint: contentHint('ca'),
    got: isPath ? shown(value) : `${kindOf(value)} without a valid one`,
  });
}

function isCertificate(authority: unknown): boolean {
  const pem = ArrayBuffer.isView(authority)
    ? Buffer.from(authority.buffer, authority.byteOffset, authority.byteLength).toString('latin1')
    : authority;
  if (typeof pem !== 'string' || !pem.includes('-----BEGIN ')) return false;
  try {
    return Boolean(new X509Certificate(pem));
  } catch {
    return false;
  }
}

function contentHint(name: string): string {
  return `Set \`tls.${name}\` to the content of the file, not to its path: readFileSync(path).`;
}

/** Whether an option has a value: Node.js takes null for none. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
