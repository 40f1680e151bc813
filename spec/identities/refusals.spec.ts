import { UsernamePasswordCredential } from '@azure/identity';
import type { TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { classifyIdentityError } from '../../lib/identities/identity-errors.js';
import { servicePrincipalCredential } from '../../lib/identities/service-principal.js';
import { type Application, EntraEmulator } from '../../emulator/entra/index.js';
import { createClientCertificate } from './support/client-certificates.js';
import { failure } from './support/failure.js';

const SCOPE = 'https://redis.azure.com/.default';

describe('the hint for an error of Entra', () => {
  let entra: EntraEmulator;
  let application: Application;
  let clientSecret: string;

  before(async () => {
    entra = await EntraEmulator.start();
    entra.trust();
    application = entra.addApplication();
    clientSecret = application.addSecret();
  });
  after(async () => {
    await entra.stop();
  });
  afterEach(() => {
    entra.restored();
  });

  function principal(
    changes: { tenantId?: string; clientId?: string; clientSecret?: string } = {},
  ): TokenCredential {
    const option = { tenantId: entra.tenantId, clientId: application.clientId, clientSecret, ...changes };
    return servicePrincipalCredential(option, entra.authorityHost);
  }

  async function refusal(credential: TokenCredential, scope = SCOPE) {
    const error = await failure(credential.getToken(scope));
    return { message: error.message, ...classifyIdentityError(error) };
  }

  it('AADSTS7000215, a wrong secret: use its value, not its id', async () => {
    const { message, permanent, hint } = await refusal(principal({ clientSecret: 'wrong' }));
    expect(message).to.include('AADSTS7000215');
    expect(permanent).to.equal(true);
    expect(hint).to.equal(
      'Use the "Value" of the secret, not its "Secret ID" (app registration, Certificates & secrets).',
    );
  });

  it('AADSTS7000222, an expired secret: add a new one', async () => {
    const { message, permanent, hint } = await refusal(
      principal({ clientSecret: application.addSecret(-1) }),
    );
    expect(message).to.include('AADSTS7000222');
    expect(permanent).to.equal(true);
    expect(hint).to.match(/has expired: add a new one/);
  });

  it('AADSTS700016, an unknown application: check clientId and tenantId', async () => {
    const { message, permanent, hint } = await refusal(
      principal({ clientId: '00000000-0000-0000-0000-000000000001' }),
    );
    expect(message).to.include('AADSTS700016');
    expect(permanent).to.equal(true);
    expect(hint)
      .to.match(/Check clientId/)
      .and.match(/Check tenantId/);
  });

  it('AADSTS90002, an unknown tenant: check tenantId and cloud', async () => {
    const { message, permanent, hint } = await refusal(principal({ tenantId: 'nowhere.onmicrosoft.com' }));
    expect(message).to.include('AADSTS90002');
    expect(permanent).to.equal(true);
    expect(hint)
      .to.match(/Check tenantId/)
      .and.match(/cloud/);
  });

  it('AADSTS700027, a certificate that is not registered: upload it', async () => {
    const { pem } = await createClientCertificate();
    const { message, permanent, hint } = await refusal(
      servicePrincipalCredential(
        { tenantId: entra.tenantId, clientId: application.clientId, certificate: pem },
        entra.authorityHost,
      ),
    );
    expect(message).to.include('AADSTS700027');
    expect(permanent).to.equal(true);
    expect(hint).to.match(/Upload this certificate/);
  });

  it('AADSTS500011, an unknown resource: check scope', async () => {
    const { message, permanent, hint } = await refusal(principal(), 'https://redis.example/.default');
    expect(message).to.include('AADSTS500011');
    expect(permanent).to.equal(true);
    expect(hint).to.include('https://redis.azure.com/.default');
  });

  it('AADSTS1002012, a scope without /.default: append it', async () => {
    const { message, permanent, hint } = await refusal(principal(), 'https://redis.azure.com');
    expect(message).to.include('AADSTS1002012');
    expect(permanent).to.equal(true);
    expect(hint).to.match(/must end in \/\.default/);
  });

  describe('through a credential of @azure/identity', () => {
    function user(username: string, password: string): TokenCredential {
      const { clientId } = entra.addApplication({ publicClient: true });
      // Deprecated, for it cannot do multi-factor authentication: the shortest way to a refused user.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      return new UsernamePasswordCredential(entra.tenantId, clientId, username, password, {
        authorityHost: entra.authorityHost,
        disableInstanceDiscovery: true,
        tlsOptions: { ca: entra.ca },
        retryOptions: { maxRetries: 0 },
      });
    }

    it('AADSTS50034, an unknown user: check the user name', async () => {
      const { message, permanent, hint } = await refusal(user('nobody@nowhere.example', 'secret'));
      expect(message).to.include('AADSTS50034');
      expect(permanent).to.equal(true);
      expect(hint).to.match(/user does not exist/);
    });

    it('AADSTS50126, a wrong password', async () => {
      const { username } = entra.addUser({ password: 'right' });
      const { message, permanent, hint } = await refusal(user(username, 'wrong'));
      expect(message).to.include('AADSTS50126');
      expect(permanent).to.equal(true);
      expect(hint).to.match(/user name or password is wrong/);
    });
  });

  it('429 is retried after Retry-After', async () => {
    entra.throttling({ retryAfter: 12_000 });
    const { permanent, retryAfter, hint } = await refusal(principal());
    expect(permanent).to.equal(false);
    expect(retryAfter).to.equal(12_000);
    expect(hint).to.match(/slow down/);

    entra.throttling({ retryAfter: new Date(Date.now() + 60_000) });
    expect((await refusal(principal())).retryAfter).to.be.within(55_000, 60_000);
  });

  for (const status of [500, 502, 503, 504]) {
    it(`${status}, a fault of Entra, is retried`, async () => {
      entra.failing(status);
      const { message, permanent } = await refusal(principal());
      expect(message).to.include(String(status));
      expect(permanent).to.equal(false);
    });
  }

  it('an unreachable Entra is retried', async () => {
    entra.down();
    const { permanent, hint } = await refusal(principal());
    expect(permanent).to.equal(false);
    expect(hint).to.match(/network, DNS, proxy/);
  });

  it('an untrusted certificate of Entra: set NODE_EXTRA_CA_CERTS', async () => {
    const other = await EntraEmulator.start();
    try {
      const option = { tenantId: other.tenantId, clientId: 'a', clientSecret: 's' };
      const { permanent, hint } = await refusal(servicePrincipalCredential(option, other.authorityHost));
      expect(permanent).to.equal(false);
      expect(hint).to.match(/NODE_EXTRA_CA_CERTS/);
    } finally {
      await other.stop();
    }
  });
});
