import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { issueCertificate } from './x509.js';

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
  // OpenSSL finds the issuer of a certificate by its name: that of another authority in the same file must differ.
  const commonName = `AzureRedisEmulator CA ${randomBytes(4).toString('hex')}`;
  const authority = await issueCertificate({ commonName, isAuthority: true });
  return {
    ca: authority.certificate,
    async issue({ dns = [], ip = [] }) {
      const [first = 'localhost'] = [...dns, ...ip];
      const { privateKey, certificate } = await issueCertificate(
        { commonName: first, isAuthority: false, dns, ip },
        authority,
      );
      return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: certificate };
    },
  };
}
