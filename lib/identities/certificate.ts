import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkObject, checkText, invalidOption } from './option-checks.js';

/**
 * A service principal's certificate with its private key (RSA): a PEM text that holds both, or the path of a PEM file
 * that does, with the key's password if it is encrypted. A chain may follow the certificate.
 */
export type CertificateOption = string | { readonly path: string; readonly password?: string | undefined };

/** A certificate in the form that msal takes. */
export interface LoadedCertificate {
  /** PKCS#8, PEM, not encrypted. */
  readonly privateKey: string;
  /** Hexadecimal. */
  readonly thumbprintSha256: string;
  /** PEM: the certificate, then the rest of its chain. */
  readonly chain: string;
}

const PEM_HINT =
  'It must hold "-----BEGIN CERTIFICATE-----" and "-----BEGIN PRIVATE KEY-----". Make it of a PFX file with: openssl pkcs12 -in certificate.pfx -out certificate.pem -nodes';

/**
 * Checks what can be told without reading a file: a PEM text wholly, a file's path not.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkCertificate(name: string, value: unknown): void {
  if (typeof value === 'string') {
    parseCertificate(name, value);
    return;
  }
  const { path, password } = checkObject(name, value, ['path', 'password']);
  checkText(
    `${name}.path`,
    path,
    'Give the path of a PEM file that holds the certificate and its private key.',
  );
  if (password !== undefined && typeof password !== 'string') {
    throw invalidOption(
      `${name}.password is not a text.`,
      "Give the private key's password, or leave it out.",
    );
  }
}

/**
 * Reads a certificate, from its file each time: it may have been rotated.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export async function loadCertificate(name: string, option: CertificateOption): Promise<LoadedCertificate> {
  checkCertificate(name, option);
  if (typeof option === 'string') return parseCertificate(name, option);
  const pem = await readFile(option.path, 'utf8').catch((error: unknown) => {
    throw invalidOption(
      `${name}: the file ${option.path} cannot be read.`,
      'Check path and its permissions.',
      error,
    );
  });
  return parseCertificate(name, pem, option.password);
}

function parseCertificate(name: string, pem: string, password?: string): LoadedCertificate {
  const certificates = certificatesIn(name, pem);
  const key = privateKeyIn(name, pem, password);
  if (key.asymmetricKeyType !== 'rsa') {
    throw invalidOption(
      `${name}: the private key is no RSA key.`,
      'Microsoft Entra takes RSA certificates only.',
    );
  }
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) {
    throw invalidOption(`${name}: the private key belongs to another certificate.`, PEM_HINT);
  }
  const issuers = certificates.filter((certificate) => certificate !== leaf);
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprintSha256: leaf.fingerprint256.replaceAll(':', ''),
    chain: [leaf, ...issuers].map((certificate) => certificate.toString()).join(''),
  };
}

function certificatesIn(name: string, pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (blocks.length === 0) throw invalidOption(`${name} holds no certificate in PEM form.`, PEM_HINT);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw invalidOption(`${name}: the certificate cannot be read.`, PEM_HINT);
  }
}

function privateKeyIn(name: string, pem: string, password?: string): KeyObject {
  const [block] =
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.+?-----END (?:[A-Z]+ )*PRIVATE KEY-----/s.exec(pem) ?? [];
  if (block === undefined) throw invalidOption(`${name} holds no private key in PEM form.`, PEM_HINT);
  const isEncrypted = /BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(block);
  if (isEncrypted && password === undefined) {
    throw invalidOption(`${name}: the private key is encrypted.`, 'Give certificate as { path, password }.');
  }
  try {
    return createPrivateKey({ key: block, ...(password !== undefined && { passphrase: password }) });
  } catch {
    // The reason that OpenSSL gives is left out: it says less than this, and stands next to the key.
    throw invalidOption(
      `${name}: the private key cannot be read.`,
      isEncrypted ? 'Check password.' : 'The file may be damaged: export the certificate again.',
    );
  }
}
