import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { createCertificateAuthority, type CertificateAuthority } from '../../emulator/certificates.js';

const run = promisify(execFile);

describe('the certificate authority of the emulator', () => {
  let authority: CertificateAuthority;
  before(async () => {
    authority = await createCertificateAuthority();
  });

  it('issues certificates for exactly the given names and addresses', async () => {
    const ip = ['127.0.0.1', '::1', '2001:db8::ff:1', 'fe80::', '1:2:3:4:5:6:7:8', '::ffff:10.0.0.1'];
    const { cert } = await authority.issue({ dns: ['localhost', 'my.redis.azure.net'], ip });
    const certificate = new X509Certificate(cert);
    expect(certificate.subjectAltName?.split(', ')).to.deep.equal([
      'DNS:localhost',
      'DNS:my.redis.azure.net',
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:2001:DB8:0:0:0:0:FF:1',
      'IP Address:FE80:0:0:0:0:0:0:0',
      'IP Address:1:2:3:4:5:6:7:8',
      'IP Address:0:0:0:0:0:FFFF:A00:1',
    ]);
    for (const address of ip) expect(certificate.checkIP(address), address).to.equal(address);
    expect(certificate.checkHost('other.redis.azure.net')).to.equal(undefined);
  });

  it('signs them, for the key that it hands out', async () => {
    const { cert, key } = await authority.issue({ dns: ['localhost'] });
    const certificate = new X509Certificate(cert);
    const ca = new X509Certificate(authority.ca);
    expect(certificate.verify(ca.publicKey)).to.equal(true);
    expect(certificate.checkIssued(ca)).to.equal(true);
    expect(certificate.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect([ca.ca, certificate.ca]).to.deep.equal([true, false]);
  });

  it('makes them valid now, and for a year', async () => {
    const { cert } = await authority.issue({ dns: ['localhost'] });
    const { validFrom, validTo } = new X509Certificate(cert);
    expect(Date.parse(validFrom)).to.be.below(Date.now());
    expect(Date.parse(validTo)).to.be.closeTo(Date.now() + 365 * 24 * 3_600_000, 60_000);
  });

  it('gives each a serial number, and each authority a name, of its own', async () => {
    const issued = await Promise.all([1, 2].map(() => authority.issue({ dns: ['localhost'] })));
    const serials = issued.map(({ cert }) => new X509Certificate(cert).serialNumber);
    expect(serials[0]).to.not.equal(serials[1]);
    const { ca } = await createCertificateAuthority();
    expect(new X509Certificate(ca).subject).to.not.equal(new X509Certificate(authority.ca).subject);
  });

  it('passes the strict checks of OpenSSL, with and without long names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-certificates-'));
    try {
      await writeFile(join(folder, 'ca.pem'), authority.ca);
      // The lengths of a certificate's parts take one, two or three bytes.
      for (const length of [1, 60, 63]) {
        const name = Array.from({ length: 3 }, () => 'x'.repeat(length)).join('.');
        const { cert } = await authority.issue({ dns: [name, `a.${name}`], ip: ['::1'] });
        await writeFile(join(folder, 'server.pem'), cert);
        const flags = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', name];
        const { stdout } = await run('openssl', ['verify', ...flags, '-CAfile', 'ca.pem', 'server.pem'], {
          cwd: folder,
        });
        expect(stdout).to.equal('server.pem: OK\n');
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
