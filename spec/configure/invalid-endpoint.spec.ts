import { rootCertificates } from 'node:tls';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { createCertificateAuthority } from '../../emulator/certificates.js';
import { configureForAzure } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { credential, HOST } from './support/options.js';

async function createIssuedCertificate(): Promise<{ cert: string; key: string }> {
  const authority = await createCertificateAuthority();
  return authority.issue({ dns: ['localhost'] });
}

describe('configureForAzure() tells apart, and rejects', () => {
  const good = { host: HOST, credential: credential() };

  const HOSTS: readonly (readonly [what: string, host: string, said: RegExp, hint: RegExp])[] = [
    ['a URL', `rediss://me:secret@${HOST}:10000`, /got a URL/, /bare host name, '.*`port`.*identity/],
    ['a URL of another host', 'redis://secret@host', /got a URL/, /for example/],
    [
      "the portal's connection string",
      `${HOST}:6380,password=secret=,ssl=True,abortConnect=False`,
      /got a connection string/,
      /'.*`accessKey`/,
    ],
    ['a line break', `${HOST}\n`, /got one with a line break/, /trim\(\)/],
    ['a space', ` ${HOST}`, /got one with a space/, /without spaces/],
    [
      'an IPv6 address in brackets',
      '[::1]:6380',
      /got an IPv6 address in brackets/,
      /without brackets.*`port`/,
    ],
    ['a user', `secret@${HOST}`, /got one with a user name/, /`username`/],
    ['a path', `${HOST}/0`, /got one with a path/, /without the path/],
    ['a port', `${HOST}:10000`, /got one with a port/, /`port`/],
    ['a dot at its end', `${HOST}.`, /got one with a dot at its end/, /without the dot/],
    [
      'another character',
      'my cache!'.replace(' ', ''),
      /other characters/,
      /without protocol, port, user or path/,
    ],
  ];
  for (const [what, host, said, hint] of HOSTS) {
    it(`a \`host\` with ${what}, and shows nothing secret of it`, async () => {
      const error = await rejection(configureForAzure({ ...good, host }));
      expect(error.code).to.equal('INVALID_HOST');
      expect(error.message).to.match(said);
      expect(error.hint).to.match(hint);
      if (host.includes(HOST)) expect(error.hint).to.contain(`'${HOST}'`);
      expect(`${error.message} ${error.hint}`).not.to.contain('secret');
    });
  }

  const [certificate = ''] = rootCertificates;
  const TLS: readonly (readonly [option: string, value: unknown, said: RegExp, hint: RegExp])[] = [
    ['ca', '/etc/ssl/ca.pem', /got '\/etc\/ssl\/ca.pem'/, /content of the file, not to its path/],
    ['ca', [certificate, './ca.pem'], /got '.\/ca.pem'/, /content of the file/],
    ['ca', certificate.slice(0, 200), /got a string without a valid one/, /content of the file/],
    ['ca', [], /certificates in PEM format/, /content of the file/],
    ['ca', '', /certificates in PEM format/, /content of the file/],
    ['ca', true, /got a boolean/, /content of the file/],
    ['cert', 'cert.pem', /is not valid: Node.js reports ERR_/, /content of the file/],
    ['key', 'secret', /is not valid: Node.js reports ERR_/, /content of the file/],
    ['pfx', 'secret', /is not valid/, /content of the file/],
    ['ciphers', 'none', /is not valid: Node.js reports ERR_/, /tls.connect/],
    ['minVersion', 'TLS 1.2', /is not valid: Node.js reports ERR_/, /tls.connect/],
    ['checkServerIdentity', true, /must be a function, got true/, /function/],
    ['lookup', '8.8.8.8', /must be a function/, /function/],
    ['servername', 7, /must be a host name, got 7/, /host name/],
    ['servername', '', /must be a host name, got ''/, /host name/],
    ['ALPNProtocols', 'redis', /must be an array/, /array/],
    ['timeout', '5s', /must be a number of milliseconds/, /milliseconds/],
    ['secureContext', true, /createSecureContext/, /createSecureContext/],
  ];
  for (const [option, value, said, hint] of TLS) {
    it(`tls.${option}: ${inspect(value, { breakLength: Infinity }).slice(0, 30).replaceAll('\n', ' ')}`, async () => {
      const error = await rejection(configureForAzure({ ...good, tls: { [option]: value } }));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message)
        .to.match(new RegExp(`^\`tls.${option}\``))
        .and.to.match(said);
      expect(error.hint).to.match(hint);
      expect(`${error.message} ${error.hint}`).not.to.contain('secret');
    });
  }

  it('a certificate and the key of another one', async () => {
    const [one, other] = await Promise.all([createIssuedCertificate(), createIssuedCertificate()]);
    const error = await rejection(configureForAzure({ ...good, tls: { cert: one.cert, key: other.key } }));
    expect(error.code).to.equal('INVALID_OPTION');
    expect(error.message).to.match(/^`tls` is not valid: Node.js reports ERR_OSSL_X509_KEY_VALUES_MISMATCH/);
  });
});
