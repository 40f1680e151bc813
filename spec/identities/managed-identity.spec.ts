import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import {
  checkManagedIdentity,
  managedIdentityCredential,
  type ManagedIdentityOption,
} from '../../lib/identities/managed-identity.js';
import { EntraEmulator } from '../../emulator/entra/index.js';
import { thrown } from './support/failure.js';

import { type IdentityCase, IdentityProcess, type ShownError } from './support/identity-process.js';
import { expectNoSecret } from './support/secrecy.js';

describe('managedIdentity', () => {
  describe('options', () => {
    it('are valid with true or with one id', () => {
      checkManagedIdentity(true);
      checkManagedIdentity({ clientId: '00000000-0000-0000-0000-000000000001' });
      checkManagedIdentity({ objectId: '00000000-0000-0000-0000-000000000001' });
      checkManagedIdentity({ resourceId: '/subscriptions/1/resourcegroups/a/providers/x/y/z' });
    });

    const refused: [string, unknown, AzureRedisError['code'], RegExp][] = [
      ['false', false, 'INVALID_OPTION', /must be true or an object, got a (?:boolean|string)/],
      [
        'a bare id',
        '00000000-0000-0000-0000-000000000001',
        'INVALID_OPTION',
        /must be true or an object, got a (?:boolean|string)/,
      ],
      ['no id', {}, 'INVALID_OPTION', /must have one id, got none/],
      ['an id that is not set', { clientId: undefined }, 'INVALID_OPTION', /clientId` is missing/],
      [
        'two ids',
        { clientId: 'a', objectId: 'b' },
        'CONFLICTING_OPTIONS',
        /clientId` conflicts with `managedIdentity\.objectId/,
      ],
      [
        'an id with a line break',
        { clientId: 'a\n' },
        'INVALID_OPTION',
        /clientId`.*got one with a line break/,
      ],
      ['an unknown field', { clientID: 'a' }, 'INVALID_OPTION', /no field `clientID`/],
      [
        'an invalid resource id',
        { resourceId: 'my-identity' },
        'INVALID_OPTION',
        /must be an Azure resource id, got 'my-identity'/,
      ],
    ];
    for (const [what, option, code, message] of refused) {
      it(`are rejected at once: ${what}`, () => {
        const error = thrown(() => {
          checkManagedIdentity(option);
        });
        expect(error).to.be.instanceOf(AzureRedisError);
        expect(error).to.include({ code });
        expect(error).to.have.property('message').that.matches(message);
        expect(error).to.have.property('hint').that.is.not.empty;
      });
    }
  });

  it('shows nothing of itself', () => {
    expectNoSecret(managedIdentityCredential({ clientId: 'identifier-of-mine' }), {
      id: 'identifier-of-mine',
    });
  });

  describe('on a virtual machine', () => {
    // To start a process takes a while on a busy machine.

    let entra: EntraEmulator;
    let identity: IdentityProcess;

    before(async () => {
      entra = await EntraEmulator.start({ tokenLifetime: 86_400_000 });
      entra.addManagedIdentity('systemAssigned');
      identity = new IdentityProcess(onMachine(true));
    });
    after(async () => {
      await identity.stop();
      await entra.stop();
    });
    afterEach(() => {
      entra.restored();
    });

    function onMachine(option: true | { clientId: string }): IdentityCase {
      return { identity: { kind: 'managedIdentity', option }, environment: entra.imdsEnvironment };
    }

    it('requests a new token each time, even if the last one lives for a day', async () => {
      const [first, second] = [await identity.token(), await identity.token()];
      expect(second.token).to.not.equal(first.token);
      const { refreshAfterTimestamp = 0 } = second;
      expect(refreshAfterTimestamp - Date.now()).to.be.closeTo(43_200_000, 10_000);
    });

    it('returns the expiry of a cached token', async () => {
      const caching = await EntraEmulator.start({ tokenLifetime: 60_000, cachesManagedIdentityTokens: true });
      caching.addManagedIdentity('systemAssigned');
      const environment = caching.imdsEnvironment;
      const other = new IdentityProcess({ ...onMachine(true), environment });
      try {
        const first = await other.token();
        // So that counting from the second answer would give another second.
        await sleep(1100);
        const second = await other.token();
        expect(second).to.deep.equal(first);
      } finally {
        await other.stop();
        await caching.stop();
      }
    });

    it('reports throttling and Retry-After, without a retry of the library', async () => {
      entra.throttling({ retryAfter: 30_000 });
      const before = entra.statistics.requests.length;
      const { description } = await identity.error();
      expect(description.permanent).to.equal(false);
      expect(description.retryAfter).to.equal(30_000);
      expect(entra.statistics.requests.length).to.equal(before + 1);
    });

    it('is transient while the endpoint is unavailable, with the hint that it exists only in Azure', async () => {
      entra.down();
      const { description } = await identity.error();
      expect(description.permanent).to.equal(false);
      expect(description.hint)
        .to.match(/only inside Azure/)
        .and.match(/az login/);
    });

    it('fails permanently when the machine does not have the identity', async () => {
      const stranger = new IdentityProcess(onMachine({ clientId: '00000000-0000-0000-0000-000000000001' }));
      try {
        const { description, text } = await stranger.error();
        expect(text).to.include('Identity not found');
        expect(description.permanent).to.equal(true);
        expect(description.hint).to.match(/Assign this managed identity/);
      } finally {
        await stranger.stop();
      }
    });
  });

  describe('at an endpoint that refuses', () => {
    let server: Server;
    let origin: string;
    let answer: { status: number; headers?: Record<string, string>; body: object };

    before(async () => {
      server = createServer((_, response) => {
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
        response.end(JSON.stringify(answer.body));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      origin = `http://127.0.0.1:${address.port}`;
    });
    after(async () => {
      server.close();
      await once(server, 'close');
    });

    async function errorOf(
      environment: Readonly<Record<string, string>>,
      option: ManagedIdentityOption = true,
    ): Promise<ShownError> {
      const identity = new IdentityProcess({ identity: { kind: 'managedIdentity', option }, environment });
      try {
        return await identity.error();
      } finally {
        await identity.stop();
      }
    }

    it('says on Azure Arc that the key file cannot be read, and which group may', async () => {
      answer = {
        status: 401,
        headers: { 'WWW-Authenticate': 'Basic realm=/var/opt/azcmagent/tokens/no-such.key' },
        body: {
          error: 'unauthorized_client',
          error_description: 'Missing Basic Authorization header',
          error_codes: [401],
        },
      };
      const environment = {
        IDENTITY_ENDPOINT: `${origin}/metadata/identity/oauth2/token`,
        IMDS_ENDPOINT: origin,
      };
      const { description, text } = await errorOf(environment);
      expect(text).to.match(/^\S*Error: unable_to_read_secret_file/);
      expect(description.permanent).to.equal(false);
      expect(description.hint).to.include('group himds');
    });

    it('waits in an AKS pod for a federated token whose file is empty while it is replaced', async () => {
      const { description, text } = await errorOf({
        AZURE_TENANT_ID: 'my-tenant',
        AZURE_CLIENT_ID: 'my-id',
        AZURE_FEDERATED_TOKEN_FILE: '/dev/null',
      });
      expect(text).to.include('The federated token file /dev/null is empty.');
      expect(description.permanent).to.equal(false);
      expect(description.hint).to.include('AZURE_FEDERATED_TOKEN_FILE');
    });

    it('fails permanently in Cloud Shell, which has no user-assigned identity', async () => {
      const { description, text } = await errorOf({ MSI_ENDPOINT: origin }, { clientId: 'my-id' });
      expect(text).to.include('can only be system assigned');
      expect(description.permanent).to.equal(true);
      expect(description.hint).to.match(/Check the identity options/);
    });

    it('quotes the reason of Service Fabric and Container Apps', async () => {
      const reason = { code: 'ManagedIdentityNotFound', message: 'Managed identity not found for the app.' };
      answer = { status: 404, body: { error: reason } };
      const { text } = await errorOf({ IDENTITY_ENDPOINT: `${origin}/msi/token`, IDENTITY_HEADER: 'header' });
      expect(text).to.include(
        'answered 404: ManagedIdentityNotFound: Managed identity not found for the app.',
      );
    });
  });
});
