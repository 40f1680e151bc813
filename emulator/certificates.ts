import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';

/** The names and addresses that a certificate is issued for. */
export interface CertificateNames {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

/** The names of an endpoint that clients reach by this host name or IP address, by `localhost` and by these addresses. */
export function namesOf(hostname: string, addresses: readonly string[]): CertificateNames {
  const isAddress = isIP(hostname) !== 0;
  return {
    dns: [...new Set(['localhost', ...(isAddress ? [] : [hostname])])],
    ip: [...new Set([...addresses, ...(isAddress ? [hostname] : [])])],
  };
}

/** A private key and its certificate, both as PEM text. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority for one test run. */
export interface CertificateAuthority {
  /** The authority's own certificate, as PEM text: what a client passes as `tls.ca`. */
  readonly ca: string;
  /** Issues a server certificate for these names and addresses, and for nothing else. */
  issue(names: CertificateNames): Promise<KeyAndCertificate>;
}

/** Creates a certificate authority whose key never leaves this process. */
export async function createCertificateAuthority(): Promise<CertificateAuthority> {
  const { generate } = await import('selfsigned');
  // OpenSSL finds the issuer of a certificate by its name: that of another authority in the same file must differ.
  const name = `AzureRedisEmulator CA ${randomBytes(4).toString('hex')}`;
  const authority = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });

  return {
    ca: authority.cert,
    async issue({ dns = [], ip = [] }) {
      const [commonName = 'localhost'] = [...dns, ...ip];
      const { private: key, cert } = await generate([{ name: 'commonName', value: commonName }], {
        keyType: 'ec',
        algorithm: 'sha256',
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'extKeyUsage', serverAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              ...dns.map((value) => ({ type: 2 as const, value })),
              ...ip.map((address) => ({ type: 7 as const, ip: address })),
            ],
          },
        ],
      });
      return { key, cert };
    },
  };
}
