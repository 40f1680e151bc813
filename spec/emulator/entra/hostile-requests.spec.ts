import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import sinon from 'sinon';
import { AuthorizeEndpoint } from '../../../emulator/entra/authorize-endpoint.js';
import { Directory } from '../../../emulator/entra/directory.js';
import { BoundedStore, SignIns } from '../../../emulator/entra/sign-ins.js';
import { EntraEmulator } from '../../../emulator/index.js';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe('EntraEmulator: hostile requests', () => {
  let entra: EntraEmulator;
  before(async () => {
    entra = await EntraEmulator.start();
  });
  after(() => entra.stop());

  // Each request may fail: what counts is that the next one is answered.
  afterEach(async () => {
    const { status } = await ask('GET', `${entra.authorityHost}/${entra.tenantId}/discovery/v2.0/keys`);
    expect(status).to.equal(200);
  });

  function ask(method: string, url: string, body = '', path?: string): Promise<Answer> {
    const { protocol, port, pathname, search } = new URL(url);
    const request = protocol === 'https:' ? requestHttps : requestHttp;
    const options = { host: 'localhost', port, method, ca: entra.ca, headers: FORM, agent: false };
    return new Promise((resolve, reject) => {
      request({ ...options, path: path ?? pathname + search }, (response) => {
        text(response).then((answer) => {
          resolve({ status: response.statusCode, body: answer });
        }, reject);
      })
        .on('error', reject)
        .end(body);
    });
  }

  const tokenEndpoint = (): string => `${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/token`;
  const metadataEndpoint = (): string => entra.appServiceEnvironment['IDENTITY_ENDPOINT'] ?? '';

  it('of more than 100,000 bytes are refused, at each endpoint', async () => {
    const login = (): string => `${entra.authorityHost}/${entra.tenantId}/login`;
    for (const url of [tokenEndpoint(), login(), metadataEndpoint()]) {
      expect(await ask('POST', url, 'x'.repeat(100_001))).to.include({ status: 413 });
    }
  });

  it('for something that is no URL are refused', async () => {
    for (const path of ['//', '//[', 'http://[']) {
      expect(await ask('GET', entra.authorityHost, '', path)).to.include({ status: 400 });
    }
  });

  it('with a malformed assertion are refused as Entra does', async () => {
    const { clientId } = entra.addApplication();
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = encode({ iss: clientId });
    for (const assertion of [
      '',
      '..',
      `x.${claims}.x`,
      `${encode(null)}.${claims}.`,
      `${encode({ x5c: [1] })}.${claims}.x`,
    ]) {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_assertion: assertion,
        client_assertion_type: JWT_BEARER,
      });
      const { status, body } = await ask('POST', tokenEndpoint(), form.toString());
      expect(status, assertion).to.equal(401);
      expect(body, assertion).to.match(/AADSTS50027|AADSTS700027/);
    }
  });
});

describe('AuthorizeEndpoint', () => {
  it('keeps a bounded number of sign-ins that are not finished', () => {
    const directory = new Directory('tenant');
    const { clientId } = directory.addApplication({ redirectUris: ['http://localhost'] });
    const endpoint = new AuthorizeEndpoint(directory, new SignIns());
    const request = { method: 'GET', headers: {}, form: new URLSearchParams() };
    const url = new URL('https://localhost/tenant/oauth2/v2.0/authorize?response_type=code&scope=openid');
    url.searchParams.set('client_id', clientId);
    url.searchParams.set('redirect_uri', 'http://localhost');
    const begin = (): string =>
      /name="flow" value="([^"]+)"/.exec(endpoint.authorize({ ...request, url }).body as string)?.[1] ?? '';
    const cancel = (flow: string): number =>
      endpoint.login({ ...request, url, form: new URLSearchParams({ flow, choice: 'cancel' }) }).status;
    const flows = Array.from({ length: 1_001 }, begin);
    expect([flows[0], flows[1], flows[1_000]].map((flow) => cancel(flow ?? ''))).to.deep.equal([
      400, 302, 302,
    ]);
  });
});

describe('BoundedStore', () => {
  it('keeps a value for its lifetime', () => {
    const clock = sinon.useFakeTimers();
    const store = new BoundedStore<number>(1_000);
    store.set('key', 1);
    clock.tick(999);
    expect(store.get('key')).to.equal(1);
    clock.tick(1);
    expect(store.get('key')).to.equal(undefined);
    clock.restore();
  });

  it('keeps the newest 1,000 values', () => {
    const store = new BoundedStore<number>(1_000);
    for (let value = 0; value <= 1_000; value += 1) store.set(String(value), value);
    expect([store.get('0'), store.get('1'), store.get('1000')]).to.deep.equal([undefined, 1, 1_000]);
  });
});
