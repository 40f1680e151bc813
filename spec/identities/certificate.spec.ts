import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { checkCertificate, loadCertificate } from '../../lib/identities/certificate.js';
import {
  type ClientCertificate,
  createClientCertificate,
  encryptKey,
} from './support/client-certificates.js';
import { failure, thrown } from './support/failure.js';
import { createCaseFolder } from './support/case-folder.js';
import { expectNoSecret } from './support/secrecy.js';

describe('certificate', () => {
  let certificate: ClientCertificate;
  let folder: Awaited<ReturnType<typeof createCaseFolder>>;

  before(async () => {
    certificate = await createClientCertificate();
    folder = await createCaseFolder();
  });
  after(() => folder.remove());

  it('is accepted as a PEM string with certificate and key in any order', async () => {
    const texts = [`${certificate.cert}\n${certificate.key}`, `${certificate.key}\n${certificate.cert}`];
    const der = new X509Certificate(certificate.cert).raw;
    for (const pem of texts) {
      const loaded = await loadCertificate('certificate', pem);
      expect(loaded.thumbprintSha256.toLowerCase()).to.equal(createHash('sha256').update(der).digest('hex'));
      expect(loaded.privateKey).to.include('BEGIN PRIVATE KEY');
    }
  });

  it('is read from a file with an encrypted key and its password', async () => {
    const path = join(folder.path, 'encrypted.pem');
    await writeFile(path, certificate.cert + encryptKey(certificate.key, 'the password'));
    const loaded = await loadCertificate('certificate', { path, password: 'the password' });
    expect(loaded.privateKey).to.include('BEGIN PRIVATE KEY');

    const wrong = await failure(loadCertificate('certificate', { path, password: 'another-password' }));
    expect(wrong).to.include({ hint: 'Check its password.' });
    expectNoSecret(wrong, { password: 'another-password', key: certificate.key });
    const missing = await failure(loadCertificate('certificate', { path }));
    expect(missing.message).to.match(/has an encrypted private key/);
  });

  it('is sent with its chain, starting with the certificate itself', async () => {
    const issuer = await createClientCertificate({ commonName: 'CA', authority: true });
    const leaf = await createClientCertificate({ issuer });
    const { chain } = await loadCertificate('certificate', issuer.cert + leaf.cert + leaf.key);
    const [first = '', second = ''] = chain.match(/-----BEGIN.+?-----END CERTIFICATE-----/gs) ?? [];
    expect(new X509Certificate(first).subject).to.equal('CN=my-app');
    expect(new X509Certificate(second).subject).to.equal('CN=CA');
  });

  it('is rejected at once without a key, without a certificate, or with a key of another certificate', async () => {
    const other = await createClientCertificate();
    const texts: [string, RegExp][] = [
      [certificate.cert, /no private key/],
      [certificate.key, /no certificate/],
      [certificate.cert + other.key, /does not belong to its certificate/],
      [certificate.cert + encryptKey(certificate.key, 'the password'), /has an encrypted private key/],
      [certificate.cert.replace(/MII/, 'XXX') + certificate.key, /cannot be parsed/],
    ];
    for (const [text, message] of texts) {
      const error = thrown(() => {
        checkCertificate('certificate', text);
      });
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
      expect(error).to.have.property('message').that.matches(message);
      expectNoSecret(error, { key: certificate.key });
    }
  });

  it('is rejected when its key is not RSA, the only type that Entra accepts', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const error = thrown(() => {
      checkCertificate('certificate', certificate.cert + key);
    });
    expect(error)
      .to.have.property('message')
      .that.matches(/must have an RSA private key, got ec/);
  });
});
