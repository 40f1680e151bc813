import { existsSync } from 'node:fs';
import { globalAgent } from 'node:https';
import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import { EntraEmulator } from '../../../emulator/entra/index.js';
import { createTokenAuthority, type TokenAuthority } from '../../../emulator/tokens.js';
import { failure, thrown } from '../../identities/support/failure.js';
import { expectNoSecret } from '../../identities/support/secrecy.js';
import { rejection } from '../../support/rejection.js';
import { askForToken, type JsonAnswer, send } from './support/client.js';

const RESOURCE = 'https://redis.azure.com';

describe('EntraEmulator', () => {
  let authority: TokenAuthority;
  let entra: EntraEmulator;

  before(async () => {
    authority = await createTokenAuthority();
    entra = await EntraEmulator.start({ authority, tokenLifetime: 86_400_000 });
  });
  after(() => entra.stop());
  afterEach(() => {
    entra.restored();
  });

  function get(path: string): Promise<JsonAnswer> {
    return send(entra.authorityHost + path, { ca: entra.ca });
  }

  describe('discovery', () => {
    it('describes the tenant', async () => {
      const { status, json } = await get(`/${entra.tenantId}/v2.0/.well-known/openid-configuration`);
      expect(status).to.equal(200);
      const base = `${entra.authorityHost}/${entra.tenantId}`;
      expect(json).to.include({
        issuer: `${base}/v2.0`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      });
      expect(json['response_modes_supported']).to.deep.equal(['query', 'fragment', 'form_post']);
    });

    it('rejects other tenants', async () => {
      const { status, json } = await get('/nowhere.example/v2.0/.well-known/openid-configuration');
      expect(status).to.equal(400);
      expect(json['error_codes']).to.deep.equal([90002]);
    });

    it('lists the key of its tokens', async () => {
      const { json } = await get(`/${entra.tenantId}/discovery/v2.0/keys`);
      expect(json).to.deep.equal({ keys: [authority.publicKey] });
    });

    it('reports whether an authority belongs to the cloud', async () => {
      const ask = (endpoint: string) =>
        get(
          `/common/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(endpoint)}`,
        );
      const own = await ask(`${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/authorize`);
      expect(own.json).to.include.keys('tenant_discovery_endpoint', 'metadata');
      const other = await ask('https://login.example/x/oauth2/v2.0/authorize');
      expect(other.status).to.equal(400);
      expect(other.json).to.include({ error: 'invalid_instance' });
    });
  });

  describe("a virtual machine's metadata service", () => {
    const good = { Metadata: 'true' };

    function ask(query: Record<string, string>, headers: Record<string, string> = good): Promise<JsonAnswer> {
      const { AZURE_POD_IDENTITY_AUTHORITY_HOST: host = '' } = entra.imdsEnvironment;
      const all = { 'api-version': '2018-02-01', resource: RESOURCE, ...query };
      return send(`${host}/metadata/identity/oauth2/token?${new URLSearchParams(all).toString()}`, {
        headers,
      });
    }

    it('returns a token of each identity, with numbers as strings', async () => {
      const system = entra.addManagedIdentity('systemAssigned');
      const user = entra.addManagedIdentity('userAssigned');
      for (const [query, identity] of [
        [{}, system],
        [{ client_id: user.clientId }, user],
        [{ object_id: user.objectId }, user],
        [{ msi_res_id: user.resourceId.toUpperCase() }, user],
      ] as const) {
        const { status, json } = await ask(query);
        expect(status).to.equal(200);
        expect(json).to.include({ expires_in: '86400', refresh_in: '43200', resource: RESOURCE });
        expect(Number(json['expires_on'])).to.be.closeTo(Date.now() / 1000 + 86_400, 5);
        const claims = await authority.verify(String(json['access_token']));
        expect(claims).to.include({
          oid: identity.objectId,
          appid: identity.clientId,
          xms_mirid: identity.resourceId,
        });
      }
    });

    it('rejects requests that a program on the machine would not send', async () => {
      for (const [query, headers, description] of [
        [{}, {}, /metadata header/i],
        [{}, { Metadata: 'false' }, /metadata header/i],
        [{}, { ...good, 'X-Forwarded-For': '10.0.0.1' }, /X-Forwarded-For/],
        [{ resource: '' }, good, /resource/],
        [{ resource: 'https://other.example' }, good, /AADSTS500011/],
        [{ client_id: 'unknown' }, good, /Identity not found/],
        [{ client_id: 'a', object_id: 'b' }, good, /Only one/],
      ] as const) {
        const { status, json } = await ask(query, headers);
        expect(status).to.equal(400);
        expect(json['error_description']).to.match(description);
      }
    });
  });

  describe("App Service's endpoint", () => {
    function ask(query: Record<string, string>, header?: string): Promise<JsonAnswer> {
      const { IDENTITY_ENDPOINT: endpoint = '', IDENTITY_HEADER: secret = '' } = entra.appServiceEnvironment;
      const all = { 'api-version': '2019-08-01', resource: RESOURCE, ...query };
      const headers = { 'X-IDENTITY-HEADER': header ?? secret };
      return send(`${endpoint}?${new URLSearchParams(all).toString()}`, { headers });
    }

    it('returns a token of each identity', async () => {
      const system = entra.addManagedIdentity('systemAssigned');
      const user = entra.addManagedIdentity('userAssigned');
      for (const [query, identity] of [
        [{}, system],
        [{ client_id: user.clientId }, user],
        [{ principal_id: user.objectId }, user],
        [{ mi_res_id: user.resourceId }, user],
      ] as const) {
        const { status, json } = await ask(query);
        expect(status).to.equal(200);
        expect(json).to.not.have.property('expires_in');
        expect(await authority.verify(String(json['access_token']))).to.include({ oid: identity.objectId });
      }
    });

    it('rejects another header, version or identity', async () => {
      expect((await ask({}, 'wrong')).status).to.equal(401);
      expect((await ask({ 'api-version': '2017-09-01' })).status).to.equal(400);
      const { status, json } = await ask({ client_id: 'unknown' });
      expect(status).to.equal(400);
      expect(json['message']).to.match(/No User Assigned or Delegated Managed Identity found/);
    });
  });

  describe('faults', () => {
    const configuration = () => get(`/${entra.tenantId}/v2.0/.well-known/openid-configuration`);

    it('are closed connections, late and missing replies, 429 and 5xx, until restored()', async () => {
      entra.down();
      await failure(configuration());
      entra.throttling({ retryAfter: 1500 });
      const throttled = await configuration();
      expect(throttled.status).to.equal(429);
      expect(throttled.headers['retry-after']).to.equal('2');
      entra.failing(503);
      expect((await configuration()).status).to.equal(503);
      entra.failing(502);
      expect((await configuration()).headers['content-type']).to.match(/^text\/html/);
      entra.slow(50);
      const before = performance.now();
      expect((await configuration()).status).to.equal(200);
      expect(performance.now() - before).to.be.above(49);
      entra.restored();
      expect((await configuration()).status).to.equal(200);
    });

    it('end with stop(), as do pending requests', async () => {
      for (const disturb of ['hanging', 'slow'] as const) {
        const other = await EntraEmulator.start();
        if (disturb === 'hanging') other.hanging();
        else other.slow(600_000);
        const asked = failure(send(`${other.authorityHost}/x`, { ca: other.ca }));
        await other.stop();
        await asked;
      }
    });
  });

  it('is trusted by this process after trust(), in addition to others, until stop()', async () => {
    const [own, other] = [await EntraEmulator.start(), await EntraEmulator.start()];
    const ask = ({ authorityHost }: EntraEmulator) => send(`${authorityHost}/x`, { agent: globalAgent });
    const before = globalAgent.options.ca;
    try {
      expect(await failure(ask(own))).to.include({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
      own.trust();
      other.trust();
      expect((await ask(own)).status).to.equal(400);
      expect(globalAgent.options.ca).to.include.members([...rootCertificates]);
      await own.stop();
      expect((await ask(other)).status).to.equal(400);
    } finally {
      await Promise.all([own.stop(), other.stop()]);
    }
    expect(globalAgent.options.ca).to.equal(before);
  });

  it('rejects an invalid tokenLifetime', async () => {
    for (const tokenLifetime of [999, Infinity, Number.NaN]) {
      expect((await rejection(EntraEmulator.start({ tokenLifetime }))).hint).to.match(/from 1000/);
    }
    expect(thrown(() => (entra.tokenLifetime = 0))).to.include({ code: 'INVALID_OPTION' });
  });

  it('records requests and tokens, without secrets', async () => {
    const own = await EntraEmulator.start();
    const application = own.addApplication();
    const secret = application.addSecret();
    const form = {
      grant_type: 'client_credentials',
      client_id: application.clientId,
      scope: `${RESOURCE}/.default`,
    };
    const { json } = await askForToken(own, { ...form, client_secret: secret });
    await askForToken(own, { ...form, client_secret: 'wrong secret' });
    const { requests, tokens } = own.statistics;
    const shared = {
      at: undefined,
      path: `/${own.tenantId}/oauth2/v2.0/token`,
      grantType: 'client_credentials',
    };
    expect(requests.map((request) => ({ ...request, at: undefined }))).to.deep.equal([
      { ...shared, clientId: application.clientId, status: 200, errorCode: undefined },
      { ...shared, clientId: application.clientId, status: 401, errorCode: 7000215 },
    ]);
    expect(tokens.map(({ objectId }) => objectId)).to.deep.equal([application.objectId]);
    expectNoSecret(own.statistics, { secret, token: String(json['access_token']) });
    expectNoSecret(application, { secret });
    await own.stop();
  });

  it('leaves nothing behind after stop(), which may be repeated', async () => {
    const own = await EntraEmulator.start();
    const { AZURE_FEDERATED_TOKEN_FILE: tokenFile = '' } = await own.addWorkloadIdentity(
      own.addApplication(),
    );
    expect([own.caFile, tokenFile].every(existsSync)).to.equal(true);
    await Promise.all([own.stop(), own.stop(), own[Symbol.asyncDispose]()]);
    expect([own.caFile, tokenFile].some(existsSync)).to.equal(false);
    await failure(send(`${own.authorityHost}/x`, { ca: own.ca }));
  });
});
