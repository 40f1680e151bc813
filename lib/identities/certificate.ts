import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { AzureRedisError } from '../errors.js';
import { assertOption, checkFields, checkText, invalidOption, kindOf } from '../validation.js';

/**
 * The certificate of a service principal and its RSA private key: a string in PEM format that holds both, or the path of
 * such a file, with the password of the key if it is encrypted. The rest of the chain may follow the certificate.
 */
export type CertificateOption = string | { readonly path: string; readonly password?: string | undefined };

/** A certificate as msal expects it. */
export interface LoadedCertificate {
  /** PKCS#8, PEM, not encrypted. */
  readonly privateKey: string;
  /** Hexadecimal. */
  readonly thumbprintSha256: string;
  /** PEM: the certificate, then the rest of its chain. */
  readonly chain: string;
}

const PEM_HINT =
  'It must contain "-----BEGIN CERTIFICATE-----" and "-----BEGIN PRIVATE KEY-----". Convert a PFX file with: openssl pkcs12 -in certificate.pfx -out certificate.pem -nodes';

/**
 * Checks the option without reading a file: a PEM string completely, of a file only that there is a path.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkCertificate(name: string, value: unknown): void {
  if (typeof value === 'string') return void parseCertificate(name, value);
  const expected = 'a string in PEM format, or { path, password }';
  assertOption(!ArrayBuffer.isView(value), name, value, expected, { got: 'a Buffer' });
  const { path, password } = checkFields(name, value, ['path', 'password']);
  checkText(
    `${name}.path`,
    path,
    'Set it to the path of a PEM file with the certificate and its private key.',
  );
  assertOption(
    password === undefined || typeof password === 'string',
    `${name}.password`,
    password,
    'the password of the private key',
    { got: kindOf(password) },
  );
}

/**
 * Loads a certificate; a file is read each time, since it may have been rotated.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export async function loadCertificate(name: string, option: CertificateOption): Promise<LoadedCertificate> {
  checkCertificate(name, option);
  if (typeof option === 'string') return parseCertificate(name, option);
  const { readFile } = await import('node:fs/promises');
  const pem = await readFile(option.path, 'utf8').catch((error: unknown) => {
    throw invalidOption(
      `\`${name}.path\`: the file ${option.path} cannot be read.`,
      'Check the path and its permissions.',
      error,
    );
  });
  return parseCertificate(name, pem, option.password);
}

function parseCertificate(name: string, pem: string, password?: string): LoadedCertificate {
  const certificates = certificatesIn(name, pem);
  const key = privateKeyIn(name, pem, password);
  if (key.asymmetricKeyType !== 'rsa') {
    throw invalid(
      name,
      `must have an RSA private key, got ${key.asymmetricKeyType ?? 'another type'}`,
      'Use an RSA certificate: Microsoft Entra accepts no others.',
    );
  }
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (!leaf) throw invalid(name, 'has a private key that does not belong to its certificate');
  const issuers = certificates.filter((certificate) => certificate !== leaf);
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprintSha256: leaf.fingerprint256.replaceAll(':', ''),
    chain: [leaf, ...issuers].map((certificate) => certificate.toString()).join(''),
  };
}

function certificatesIn(name: string, pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (blocks.length === 0) throw invalid(name, 'contains no certificate in PEM format');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw invalid(name, 'contains a certificate that cannot be parsed');
  }
}

function privateKeyIn(name: string, pem: string, password?: string): KeyObject {
  const [block] =
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.+?-----END (?:[A-Z]+ )*PRIVATE KEY-----/s.exec(pem) ?? [];
  if (block === undefined) throw invalid(name, 'contains no private key in PEM format');
  const isEncrypted = /BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(block);
  if (isEncrypted && password === undefined) {
    throw invalid(name, 'has an encrypted private key', 'Set the certificate to { path, password }.');
  }
  try {
    return createPrivateKey({ key: block, ...(password !== undefined && { passphrase: password }) });
  } catch {
    // OpenSSL's reason is dropped: it says less, and may quote the key.
    throw invalid(
      name,
      'has a private key that cannot be read',
      isEncrypted ? 'Check its password.' : 'The file may be damaged: export the certificate again.',
    );
  }
}

function invalid(name: string, problem: string, hint = PEM_HINT): AzureRedisError {
  return invalidOption(`\`${name}\` ${problem}.`, hint);
}
