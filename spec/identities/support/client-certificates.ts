import { createPrivateKey } from 'node:crypto';
import { generate } from 'selfsigned';

/** A client certificate with its RSA key, as PEM texts. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  /** Both in one text, as `az ad sp create-for-rbac --create-cert` writes it. */
  readonly pem: string;
}

export interface ClientCertificateOptions {
  readonly commonName?: string;
  readonly issuer?: ClientCertificate;
  readonly authority?: boolean;
}

export async function createClientCertificate({
  commonName = 'my-app',
  issuer,
  authority = false,
}: ClientCertificateOptions = {}): Promise<ClientCertificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: commonName }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [{ name: 'basicConstraints', cA: authority, critical: true }],
    ...(issuer && { ca: { key: issuer.key, cert: issuer.cert } }),
  });
  return { cert, key, pem: `${cert}\n${key}` };
}

/** The key in encrypted form. */
export function encryptKey(key: string, password: string): string {
  return createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password })
    .toString();
}
