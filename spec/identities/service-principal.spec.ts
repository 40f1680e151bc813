import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccessToken } from '@azure/core-auth';
import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import {
  checkServicePrincipal,
  servicePrincipalCredential,
  type ServicePrincipalOption,
} from '../../lib/identities/service-principal.js';
import { type Application, EntraEmulator } from '../../emulator/entra/index.js';
import { createClientCertificate } from './support/client-certificates.js';
import { failure, thrown } from './support/failure.js';
import { createCaseFolder } from './support/case-folder.js';
import { expectNoSecret } from './support/secrecy.js';

const SCOPE = 'https://redis.azure.com/.default';

describe('servicePrincipal', () => {
  describe('options', () => {
    const application = {
      tenantId: 'contoso.onmicrosoft.com',
      clientId: '00000000-0000-0000-0000-000000000001',
    };

    it('are valid with a secret, or a function that returns it', () => {
      checkServicePrincipal({ ...application, clientSecret: 'secret' });
      checkServicePrincipal({ ...application, clientSecret: () => Promise.resolve('secret') });
    });

    it('are valid with a certificate in a file, or a function that returns it', () => {
      checkServicePrincipal({ ...application, certificate: { path: '/run/secrets/certificate.pem' } });
      checkServicePrincipal({ ...application, certificate: () => ({ path: 'x.pem' }), sendX5c: true });
    });

    const refused: [string, unknown, AzureRedisError['code'], RegExp][] = [
      ['a string', 'secret', 'INVALID_OPTION', /must be an object, got a string/],
      ['no tenant', { clientId: 'a', clientSecret: 's' }, 'INVALID_OPTION', /tenantId` is missing/],
      [
        'a tenant with a slash',
        { ...application, tenantId: 'a/b' },
        'INVALID_OPTION',
        /tenantId` must be a GUID or a domain name, got 'a\/b'/,
      ],
      [
        'the secret in place of the tenant, without showing it',
        { ...application, tenantId: 'kS98Q~P2vXz.Yb1-c_dEfGhIjKlMnOpQrStUvWxY', clientSecret: 's' },
        'INVALID_OPTION',
        /tenantId` must be a GUID or a domain name, got '<hidden>'/,
      ],
      [
        'the tenant of all users',
        { ...application, tenantId: 'common' },
        'INVALID_OPTION',
        /which is for users/,
      ],
      ['no client', { tenantId: 't', clientSecret: 's' }, 'INVALID_OPTION', /clientId` is missing/],
      ['neither secret nor certificate', application, 'INVALID_OPTION', /clientSecret` is missing/],
      [
        'a secret from an environment variable that is not set',
        { ...application, clientSecret: process.env['NO_SUCH_VARIABLE'] },
        'INVALID_OPTION',
        /clientSecret` is missing/,
      ],
      ['an empty secret', { ...application, clientSecret: '' }, 'INVALID_OPTION', /got an empty string/],
      [
        'a secret from a file that ends with a line break',
        { ...application, clientSecret: 's\n' },
        'INVALID_OPTION',
        /clientSecret` must be .*without line breaks, got one with a line break/,
      ],
      [
        'a client id with a line break',
        { ...application, clientId: 'x\r\n', clientSecret: 's' },
        'INVALID_OPTION',
        /clientId` must be .*got one with a line break/,
      ],
      [
        'both secret and certificate',
        { ...application, clientSecret: 's', certificate: { path: 'p' } },
        'CONFLICTING_OPTIONS',
        /clientSecret` conflicts with `servicePrincipal\.certificate/,
      ],
      [
        'sendX5c without a certificate',
        { ...application, clientSecret: 's', sendX5c: true },
        'CONFLICTING_OPTIONS',
        /sendX5c` needs `servicePrincipal\.certificate/,
      ],
      ['an unknown field', { ...application, clientID: 'x' }, 'INVALID_OPTION', /no field `clientID`/],
      [
        'a file without path',
        { ...application, certificate: {} },
        'INVALID_OPTION',
        /certificate\.path` is missing/,
      ],
      [
        'the content of a file as a Buffer',
        { ...application, certificate: Buffer.from('-----BEGIN') },
        'INVALID_OPTION',
        /certificate` must be a string in PEM format, or \{ path, password \}, got a Buffer/,
      ],
      [
        'a string not in PEM format',
        { ...application, certificate: 'MII…' },
        'INVALID_OPTION',
        /no certificate in PEM/,
      ],
    ];
    for (const [what, option, code, message] of refused) {
      it(`are rejected at once: ${what}`, () => {
        const error = thrown(() => {
          checkServicePrincipal(option);
        });
        expect(error).to.be.instanceOf(AzureRedisError);
        expect(error).to.include({ code });
        expect(error).to.have.property('message').that.matches(message);
        expect(error).to.have.property('hint').that.is.not.empty;
      });
    }
  });

  describe('credential', () => {
    let entra: EntraEmulator;
    let application: Application;

    before(async () => {
      entra = await EntraEmulator.start();
      entra.trust();
    });
    after(async () => {
      await entra.stop();
    });
    beforeEach(() => {
      application = entra.addApplication();
      entra.tokenLifetime = 3_600_000;
      entra.restored();
    });

    function credential(proof: object) {
      const option = { tenantId: entra.tenantId, clientId: application.clientId, ...proof };
      checkServicePrincipal(option);
      // Checked in the line above.
      return servicePrincipalCredential(option as ServicePrincipalOption, entra.authorityHost);
    }

    it('requests a new token each time, even if the last one is still valid', async () => {
      const identity = credential({ clientSecret: application.addSecret() });
      const first = await token(identity.getToken(SCOPE));
      const second = await token(identity.getToken(SCOPE));
      expect(second.token).to.not.equal(first.token);
      expect(first.expiresOnTimestamp - Date.now()).to.be.within(3_590_000, 3_600_000);
    });

    it('passes on the time at which a token advises a refresh', async () => {
      entra.tokenLifetime = 24 * 3_600_000;
      const identity = credential({ clientSecret: application.addSecret() });
      const { refreshAfterTimestamp = 0 } = await token(identity.getToken(SCOPE));
      expect(refreshAfterTimestamp - Date.now()).to.be.closeTo(12 * 3_600_000, 10_000);
      entra.tokenLifetime = 3_600_000;
      expect(await identity.getToken(SCOPE)).to.not.have.property('refreshAfterTimestamp');
    });

    it('sends requests to its own authority only', async () => {
      const before = entra.statistics.requests.length;
      await credential({ clientSecret: application.addSecret() }).getToken(SCOPE);
      const paths = entra.statistics.requests.slice(before).map(({ path }) => path);
      expect(paths).to.deep.equal([
        `/${entra.tenantId}/v2.0/.well-known/openid-configuration`,
        `/${entra.tenantId}/oauth2/v2.0/token`,
      ]);
    });

    it('uses the rotated secret of a function', async () => {
      let secret = application.addSecret();
      const identity = credential({ clientSecret: () => Promise.resolve(secret) });
      await identity.getToken(SCOPE);
      application.removeSecret(secret);
      expect((await failure(identity.getToken(SCOPE))).message).to.match(/AADSTS7000215/);
      secret = application.addSecret();
      await identity.getToken(SCOPE);
    });

    it('uses the rotated certificate of a file and of a function', async () => {
      const { path: folder, remove } = await createCaseFolder();
      try {
        const path = join(folder, 'certificate.pem');
        const [old, renewed] = [await createClientCertificate(), await createClientCertificate()];
        let certificate = old.pem;
        await writeFile(path, certificate);
        const fromFile = credential({ certificate: { path } });
        const fromFunction = credential({ certificate: () => certificate });
        application.addCertificate(old.cert);
        for (const identity of [fromFile, fromFunction]) await identity.getToken(SCOPE);

        application.removeCertificates();
        application.addCertificate(renewed.cert);
        for (const identity of [fromFile, fromFunction]) {
          expect((await failure(identity.getToken(SCOPE))).message).to.match(/AADSTS700027/);
        }
        certificate = renewed.pem;
        await writeFile(path, certificate);
        for (const identity of [fromFile, fromFunction]) await identity.getToken(SCOPE);
      } finally {
        await remove();
      }
    });

    it('names the file that cannot be read', async () => {
      const error = await failure(credential({ certificate: { path: '/nowhere/x.pem' } }).getToken(SCOPE));
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
      expect(error.message).to.include('/nowhere/x.pem');
    });

    for (const [what, secret] of [
      ['no secret', undefined],
      ['one with a line break, as a file may have', 'a secret\n'],
    ] as const) {
      it(`rejects a function that returns ${what}`, async () => {
        const error = await failure(credential({ clientSecret: () => secret }).getToken(SCOPE));
        expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
      });
    }

    it('recovers as soon as Entra does, although msal caches faults for a minute', async () => {
      const identity = credential({ clientSecret: application.addSecret() });
      await identity.getToken(SCOPE);
      for (const fault of [500, 502, 503]) {
        entra.failing(fault);
        expect((await failure(identity.getToken(SCOPE))).message).to.include(String(fault));
        entra.restored();
        await identity.getToken(SCOPE);
      }
    });

    it('aborts its request with the signal', async () => {
      const identity = credential({ clientSecret: application.addSecret() });
      entra.hanging();
      const abort = new AbortController();
      const asked = failure(identity.getToken(SCOPE, { abortSignal: abort.signal }));
      abort.abort();
      expect((await asked).name).to.equal('AbortError');
    });

    it('shows no secret, key or assertion in its inspection and errors', async () => {
      const clientSecret = application.addSecret();
      const { pem, key } = await createClientCertificate();
      const byRefusedSecret = credential({ clientSecret: `${clientSecret}-mistyped` });
      const byUnknownCertificate = credential({ certificate: pem });
      for (const identity of [byRefusedSecret, byUnknownCertificate]) {
        expectNoSecret(identity, { clientSecret, key });
        expectNoSecret(await failure(identity.getToken(SCOPE)), { clientSecret, key, assertion: 'eyJhbGci' });
      }
      entra.down();
      expectNoSecret(await failure(byRefusedSecret.getToken(SCOPE)), { clientSecret });
    });
  });
});

async function token(asked: Promise<AccessToken | null>): Promise<AccessToken> {
  const given = await asked;
  if (!given) throw new Error('no token');
  return given;
}
