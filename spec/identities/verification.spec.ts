import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { globalAgent, createServer, type Server } from 'node:https';
import { expect } from 'chai';
import { EntraEmulator } from '../../emulator/entra/index.js';
import { servicePrincipalCredential } from '../../lib/identities/service-principal.js';
import { unsignedJwt } from '../support/jwt.js';
import { createClientCertificate } from './support/client-certificates.js';
import { failure } from './support/failure.js';
import { type IdentityCase, IdentityProcess, type ShownError } from './support/identity-process.js';

const LAX = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };

describe('an identity endpoint whose certificate is not trusted', () => {
  describe('Entra', () => {
    let entra: EntraEmulator;
    before(async () => {
      entra = await EntraEmulator.start();
    });
    after(() => entra.stop());

    const cases: Readonly<Record<string, () => IdentityCase>> = {
      'a service principal': () => ({
        identity: {
          kind: 'servicePrincipal',
          option: { tenantId: entra.tenantId, clientId: 'an-app', clientSecret: 'the-secret' },
        },
        environment: { ...LAX, AZURE_AUTHORITY_HOST: entra.authorityHost },
      }),
      DefaultAzureCredential: () => ({
        identity: { kind: 'default' },
        environment: {
          ...LAX,
          AZURE_AUTHORITY_HOST: entra.authorityHost,
          AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential',
          AZURE_TENANT_ID: entra.tenantId,
          AZURE_CLIENT_ID: 'an-app',
          AZURE_CLIENT_SECRET: 'the-secret',
        },
      }),
    };
    for (const [name, identity] of Object.entries(cases)) {
      it(`receives no request of ${name}, whatever NODE_TLS_REJECT_UNAUTHORIZED says`, async () => {
        await errorOf(identity());
        expect(entra.statistics.requests).to.deep.equal([]);
      });
    }

    it('receives no request if the global agent does not verify certificates', async () => {
      const before = globalAgent.options.rejectUnauthorized;
      globalAgent.options.rejectUnauthorized = false;
      try {
        const option = { tenantId: entra.tenantId, clientId: 'an-app', clientSecret: 'the-secret' };
        const credential = servicePrincipalCredential(option, entra.authorityHost);
        expect((await failure(credential.getToken('scope'))).message).to.match(/certificate/);
      } finally {
        globalAgent.options.rejectUnauthorized = before;
      }
      expect(entra.statistics.requests).to.deep.equal([]);
    });
  });

  describe("Service Fabric's", () => {
    let server: Server;
    let environment: Record<string, string>;
    let requests: (string | string[] | undefined)[];

    before(async () => {
      const { cert, key } = await createClientCertificate();
      server = createServer({ cert, key }, ({ headers }, response) => {
        requests.push(headers['secret']);
        const expiresOn = String(Math.floor(Date.now() / 1000) + 3_600);
        response.end(
          JSON.stringify({
            access_token: unsignedJwt({ oid: 'me' }),
            expires_on: expiresOn,
            token_type: 'Bearer',
          }),
        );
      }).listen(0, 'localhost');
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      environment = {
        ...LAX,
        IDENTITY_ENDPOINT: `https://localhost:${address.port}/metadata/identity/oauth2/token`,
        IDENTITY_HEADER: 'the-header',
        IDENTITY_SERVER_THUMBPRINT: new X509Certificate(cert).fingerprint.replaceAll(':', '').toLowerCase(),
      };
    });
    after(async () => {
      server.close();
      await once(server, 'close');
    });
    beforeEach(() => {
      requests = [];
    });

    it('is verified by the thumbprint that the runtime provides', async () => {
      const identity = new IdentityProcess({
        identity: { kind: 'managedIdentity', option: true },
        environment,
      });
      try {
        expect((await identity.token()).token).to.match(/^eyJ/);
        expect(requests).to.deep.equal(['the-header']);
      } finally {
        await identity.stop();
      }
    });

    it('receives no request if its certificate has another thumbprint', async () => {
      const { text } = await errorOf({
        identity: { kind: 'managedIdentity', option: true },
        environment: {
          ...environment,
          IDENTITY_SERVER_THUMBPRINT: '0123456789ABCDEF0123456789ABCDEF01234567',
        },
      });
      expect(text).to.match(/another thumbprint than IDENTITY_SERVER_THUMBPRINT/);
      expect(requests).to.deep.equal([]);
    });
  });
});

async function errorOf(identityCase: IdentityCase): Promise<ShownError> {
  const identity = new IdentityProcess(identityCase);
  try {
    return await identity.error();
  } finally {
    await identity.stop();
  }
}
