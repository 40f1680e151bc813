import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { promisify } from 'node:util';

/** What a certificate says of its holder. */
export interface Subject {
  readonly commonName: string;
  readonly isAuthority: boolean;
  /** For a server: the names and addresses that it may answer for. */
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

/** A certificate, with the private key of its holder. */
export interface Issued {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** PEM text. */
  readonly certificate: string;
}

const LIFETIME = 365 * 24 * 3_600_000;

/** Clocks of containers and virtual machines differ. */
const CLOCK_DIFFERENCE = 3_600_000;

/** Issues a certificate of X.509, version 3, for a new key (ECDSA, P-256). Without an issuer it signs itself. */
export async function issueCertificate(subject: Subject, issuer?: Issued): Promise<Issued> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const { commonName } = subject;
  const now = Date.now();
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    // The first bit is that of a negative number.
    der(0x02, Buffer.from([0x40]), randomBytes(15)),
    algorithm,
    name(issuer?.commonName ?? commonName),
    sequence(time(now - CLOCK_DIFFERENCE), time(now + LIFETIME)),
    name(commonName),
    derOf(publicKey),
    der(0xa3, sequence(...extensionsOf(subject, publicKey, issuer?.publicKey ?? publicKey))),
  );
  const signature = sign('sha256', content, issuer?.privateKey ?? privateKey);
  const encoded = sequence(content, algorithm, der(0x03, Buffer.from([0]), signature)).toString('base64');
  const lines = encoded.match(/.{1,64}/g) ?? [];
  const certificate = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  return { commonName, publicKey, privateKey, certificate };
}

/** RFC 5280, section 4.2.1. */
function extensionsOf(
  { isAuthority, dns = [], ip = [] }: Subject,
  key: KeyObject,
  issuer: KeyObject,
): Buffer[] {
  const common = [
    extension(SUBJECT_KEY_IDENTIFIER, der(0x04, keyIdentifier(key))),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(der(0x80, keyIdentifier(issuer)))),
  ];
  const TRUE = der(0x01, Buffer.from([0xff]));
  if (isAuthority) {
    const signsCertificatesAndLists = der(0x03, Buffer.from([1, 0b110]));
    return [
      ...common,
      extension(BASIC_CONSTRAINTS, sequence(TRUE), TRUE),
      extension(KEY_USAGE, signsCertificatesAndLists, TRUE),
    ];
  }
  const names = [
    ...dns.map((each) => der(0x82, Buffer.from(each, 'ascii'))),
    ...ip.map((each) => der(0x87, addressBytes(each))),
  ];
  return [
    ...common,
    extension(BASIC_CONSTRAINTS, sequence()),
    extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTHENTICATION))),
    extension(SUBJECT_ALTERNATIVE_NAME, sequence(...names)),
  ];
}

// Object identifiers in their encoded form, with their dotted one.
const ECDSA_WITH_SHA256 = '2a8648ce3d040302'; // 1.2.840.10045.4.3.2
const COMMON_NAME = '550403'; // 2.5.4.3
const SUBJECT_KEY_IDENTIFIER = '551d0e'; // 2.5.29.14
const KEY_USAGE = '551d0f'; // 2.5.29.15
const SUBJECT_ALTERNATIVE_NAME = '551d11'; // 2.5.29.17
const BASIC_CONSTRAINTS = '551d13'; // 2.5.29.19
const AUTHORITY_KEY_IDENTIFIER = '551d23'; // 2.5.29.35
const EXTENDED_KEY_USAGE = '551d25'; // 2.5.29.37
const SERVER_AUTHENTICATION = '2b06010505070301'; // 1.3.6.1.5.5.7.3.1

function extension(id: string, value: Buffer, ...critical: Buffer[]): Buffer {
  return sequence(oid(id), ...critical, der(0x04, value));
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, as RFC 5280 wants it until 2049. */
function time(date: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(date).toISOString().replace(/^20|\.\d+|\D/g, '')}Z`));
}

function derOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha256').update(derOf(key)).digest().subarray(0, 20);
}

/** The 4 bytes of an IPv4 address, or the 16 of an IPv6 one. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // A URL writes IPv4 in IPv6 in hexadecimal, too.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text = ''): string[] => text.split(':').filter(Boolean);
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: zeros }, () => '0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** A value of ASN.1 in DER: its tag, its length in as few bytes as possible, its content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** An object identifier. */
function oid(encoded: string): Buffer {
  return der(0x06, Buffer.from(encoded, 'hex'));
}
