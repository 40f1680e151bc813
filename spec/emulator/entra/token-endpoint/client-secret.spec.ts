import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type JsonAnswer, send } from '../support/client.js';
import { expectRefusal, SCOPE, TokenEndpoint } from '../support/token-endpoint.js';

describe("EntraEmulator's token endpoint", () => {
  const endpoint = TokenEndpoint.forAll();

  describe('client_credentials with a secret', () => {
    function ask(changes: Record<string, string | undefined> = {}, tenant?: string): Promise<JsonAnswer> {
      const form = {
        grant_type: 'client_credentials',
        client_id: endpoint.application.clientId,
        client_secret: changes['client_secret'] ?? endpoint.application.addSecret(),
        scope: SCOPE,
      };
      return endpoint.request({ ...form, ...changes }, tenant);
    }

    it("returns a token of the application's service principal", async () => {
      const { status, headers, json } = await ask();
      expect(status).to.equal(200);
      expect(headers['cache-control']).to.include('no-store');
      expect(json).to.include({ token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600 });
      expect(json).to.not.have.any.keys('refresh_in', 'refresh_token');
      expect(await endpoint.authority.verify(String(json['access_token']))).to.include({
        oid: endpoint.application.objectId,
        appid: endpoint.application.clientId,
        tid: endpoint.entra.tenantId,
        appidacr: '1',
      });
    });

    it('returns refresh_in for a token that lives for two hours or more', async () => {
      endpoint.entra.tokenLifetime = 2 * 3_600_000;
      expect((await ask()).json).to.include({ expires_in: 7200, refresh_in: 3600 });
      endpoint.entra.tokenLifetime = 2 * 3_600_000 - 1000;
      expect((await ask()).json).to.not.have.property('refresh_in');
    });

    it('returns tokens of one second', async () => {
      endpoint.entra.tokenLifetime = 1000;
      const { json } = await ask();
      expect(json).to.include({ expires_in: 1 });
      await endpoint.authority.verify(String(json['access_token']));
    });

    it("accepts the tenant's domain in place of its id", async () => {
      expect((await ask({}, 'localentra.onmicrosoft.com')).status).to.equal(200);
    });

    const refusals: [
      string,
      Record<string, string | undefined>,
      { status: number; error: string; code: number },
    ][] = [
      ['a wrong secret', { client_secret: 'x' }, { status: 401, error: 'invalid_client', code: 7000215 }],
      [
        'an unknown application',
        { client_id: 'x' },
        { status: 400, error: 'unauthorized_client', code: 700016 },
      ],
      ['no application', { client_id: undefined }, { status: 400, error: 'invalid_request', code: 900144 }],
      ['no scope', { scope: undefined }, { status: 400, error: 'invalid_request', code: 900144 }],
      ['no grant', { grant_type: undefined }, { status: 400, error: 'invalid_request', code: 900144 }],
      [
        'an unknown grant',
        { grant_type: 'x' },
        { status: 400, error: 'unsupported_grant_type', code: 70003 },
      ],
      [
        'a scope without /.default',
        { scope: 'https://redis.azure.com' },
        { status: 400, error: 'invalid_scope', code: 1002012 },
      ],
      [
        'an unknown resource',
        { scope: 'https://x.example/.default' },
        { status: 400, error: 'invalid_resource', code: 500011 },
      ],
    ];
    for (const [what, changes, expected] of refusals) {
      it(`rejects ${what}`, async () => {
        expectRefusal(await ask(changes), expected);
      });
    }

    it('rejects an unknown tenant', async () => {
      expectRefusal(await ask({}, randomUUID()), { status: 400, error: 'invalid_request', code: 90002 });
    });

    it('rejects an expired or removed secret', async () => {
      const expired = { status: 401, error: 'invalid_client', code: 7000222 };
      expectRefusal(await ask({ client_secret: endpoint.application.addSecret(-1) }), expired);
      const secret = endpoint.application.addSecret();
      endpoint.application.removeSecret(secret);
      const removed = { status: 401, error: 'invalid_client', code: 7000215 };
      expectRefusal(await ask({ client_secret: secret }), removed);
    });

    it('rejects a missing secret, and a secret of a public client', async () => {
      const form = {
        grant_type: 'client_credentials',
        client_id: endpoint.application.clientId,
        scope: SCOPE,
      };
      const needed = { status: 401, error: 'invalid_client', code: 7000218 };
      expectRefusal(await endpoint.request(form), needed);
      endpoint.application = endpoint.entra.addApplication({ publicClient: true });
      expectRefusal(await ask({ client_secret: 'x' }), {
        status: 401,
        error: 'invalid_client',
        code: 700025,
      });
    });

    it('rejects methods other than POST', async () => {
      const answer = await send(
        `${endpoint.entra.authorityHost}/${endpoint.entra.tenantId}/oauth2/v2.0/token`,
        {
          ca: endpoint.entra.ca,
        },
      );
      expectRefusal(answer, { status: 400, error: 'invalid_request', code: 900561 });
    });
  });
});
