import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { importPKCS8, SignJWT, type JWTHeaderParameters } from 'jose';
import { type Application, EntraEmulator } from '../../../emulator/entra/index.js';
import { createTokenAuthority, type TokenAuthority } from '../../../emulator/tokens.js';
import {
  type ClientCertificate,
  createClientCertificate,
} from '../../identities/support/client-certificates.js';
import { fetchPage, signIn } from '../../identities/support/sign-in.js';
import { askForToken, type JsonAnswer, parameters, send } from './client.js';

const SCOPE = 'https://redis.azure.com/.default';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe("EntraEmulator's token endpoint", () => {
  let authority: TokenAuthority;
  let entra: EntraEmulator;
  let application: Application;

  before(async () => {
    authority = await createTokenAuthority();
    entra = await EntraEmulator.start({ authority });
  });
  after(() => entra.stop());
  beforeEach(() => {
    application = entra.addApplication();
    entra.tokenLifetime = 3_600_000;
  });

  function expectRefusal(
    { status, json }: JsonAnswer,
    expected: { status: number; error: string; code: number },
  ): void {
    expect(json).to.include.keys('timestamp', 'trace_id', 'correlation_id', 'error_uri');
    expect({ status, error: json['error'], codes: json['error_codes'] }).to.deep.equal({
      status: expected.status,
      error: expected.error,
      codes: [expected.code],
    });
    expect(json['error_description']).to.match(
      new RegExp(`^AADSTS${expected.code}: .+ Trace ID: .+ Timestamp: `),
    );
  }

  describe('client_credentials with a secret', () => {
    function ask(changes: Record<string, string | undefined> = {}, tenant?: string): Promise<JsonAnswer> {
      const form = {
        grant_type: 'client_credentials',
        client_id: application.clientId,
        client_secret: changes['client_secret'] ?? application.addSecret(),
        scope: SCOPE,
      };
      return askForToken(entra, { ...form, ...changes }, tenant);
    }

    it("returns a token of the application's service principal", async () => {
      const { status, headers, json } = await ask();
      expect(status).to.equal(200);
      expect(headers['cache-control']).to.include('no-store');
      expect(json).to.include({ token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600 });
      expect(json).to.not.have.any.keys('refresh_in', 'refresh_token');
      expect(await authority.verify(String(json['access_token']))).to.include({
        oid: application.objectId,
        appid: application.clientId,
        tid: entra.tenantId,
        appidacr: '1',
      });
    });

    it('returns refresh_in for a token that lives for two hours or more', async () => {
      entra.tokenLifetime = 2 * 3_600_000;
      expect((await ask()).json).to.include({ expires_in: 7200, refresh_in: 3600 });
      entra.tokenLifetime = 2 * 3_600_000 - 1000;
      expect((await ask()).json).to.not.have.property('refresh_in');
    });

    it('returns tokens of one second', async () => {
      entra.tokenLifetime = 1000;
      const { json } = await ask();
      expect(json).to.include({ expires_in: 1 });
      await authority.verify(String(json['access_token']));
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
      expectRefusal(await ask({ client_secret: application.addSecret(-1) }), expired);
      const secret = application.addSecret();
      application.removeSecret(secret);
      const removed = { status: 401, error: 'invalid_client', code: 7000215 };
      expectRefusal(await ask({ client_secret: secret }), removed);
    });

    it('rejects a missing secret, and a secret of a public client', async () => {
      const form = { grant_type: 'client_credentials', client_id: application.clientId, scope: SCOPE };
      const needed = { status: 401, error: 'invalid_client', code: 7000218 };
      expectRefusal(await askForToken(entra, form), needed);
      application = entra.addApplication({ publicClient: true });
      expectRefusal(await ask({ client_secret: 'x' }), {
        status: 401,
        error: 'invalid_client',
        code: 700025,
      });
    });

    it('rejects methods other than POST', async () => {
      const answer = await send(`${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/token`, {
        ca: entra.ca,
      });
      expectRefusal(answer, { status: 400, error: 'invalid_request', code: 900561 });
    });
  });

  describe('client_credentials with a certificate', () => {
    let certificate: ClientCertificate;
    before(async () => {
      certificate = await createClientCertificate();
    });
    beforeEach(() => {
      application.addCertificate(certificate.cert);
    });

    async function assertion(
      changes: {
        header?: Partial<JWTHeaderParameters>;
        payload?: Readonly<Record<string, unknown>>;
        signedBy?: ClientCertificate;
      } = {},
    ): Promise<string> {
      const { header, payload, signedBy = certificate } = changes;
      const alg = header?.alg ?? 'PS256';
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: application.clientId,
        sub: application.clientId,
        aud: `${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/token`,
        jti: randomUUID(),
        nbf: now,
        exp: now + 600,
        ...payload,
      })
        .setProtectedHeader({ alg, 'x5t#S256': thumbprint(certificate.cert, 'sha256'), ...header })
        .sign(await importPKCS8(signedBy.key, alg));
    }

    async function ask(changes?: Parameters<typeof assertion>[0]): Promise<JsonAnswer> {
      return askForToken(entra, {
        grant_type: 'client_credentials',
        client_id: application.clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await assertion(changes),
        scope: SCOPE,
      });
    }

    it('accepts SHA-256 and SHA-1 thumbprints', async () => {
      const { status, json } = await ask();
      expect(status).to.equal(200);
      const claims = await authority.verify(String(json['access_token']));
      expect(claims).to.include({ oid: application.objectId, appidacr: '2' });
      const sha1 = { alg: 'RS256', 'x5t#S256': '', x5t: thumbprint(certificate.cert, 'sha1') };
      expect((await ask({ header: sha1 })).status).to.equal(200);
    });

    it('accepts an assertion for the tenant in place of the token endpoint', async () => {
      const payload = { aud: `${entra.authorityHost}/${entra.tenantId}/v2.0` };
      expect((await ask({ payload })).status).to.equal(200);
    });

    it('rejects another key and an unregistered certificate', async () => {
      const other = await createClientCertificate();
      const unregistered = { status: 401, error: 'invalid_client', code: 700027 };
      expectRefusal(await ask({ signedBy: other }), unregistered);
      const header = { 'x5t#S256': thumbprint(other.cert, 'sha256') };
      expectRefusal(await ask({ header, signedBy: other }), unregistered);
      expectRefusal(await ask({ header: { 'x5t#S256': '' } }), unregistered);
    });

    it('rejects an assertion that has expired, is not valid yet, or has no jti', async () => {
      const now = Math.floor(Date.now() / 1000);
      const outOfTime = { status: 401, error: 'invalid_client', code: 700024 };
      expectRefusal(await ask({ payload: { exp: now - 600 } }), outOfTime);
      expectRefusal(await ask({ payload: { nbf: now + 600 } }), outOfTime);
      const withoutId = { status: 401, error: 'invalid_client', code: 700027 };
      expectRefusal(await ask({ payload: { jti: undefined } }), withoutId);
    });

    it('rejects an assertion for another client or another authority', async () => {
      const other = { status: 401, error: 'invalid_client', code: 700021 };
      expectRefusal(await ask({ payload: { sub: randomUUID() } }), other);
      const elsewhere = { status: 401, error: 'invalid_client', code: 700023 };
      expectRefusal(await ask({ payload: { aud: 'https://login.microsoftonline.com/x/v2.0' } }), elsewhere);
    });

    it('rejects malformed assertions', async () => {
      const form = { grant_type: 'client_credentials', client_id: application.clientId, scope: SCOPE };
      const malformed = { status: 401, error: 'invalid_client', code: 50027 };
      const answer = askForToken(entra, {
        ...form,
        client_assertion: 'x',
        client_assertion_type: ASSERTION_TYPE,
      });
      expectRefusal(await answer, malformed);
      const untyped = { status: 400, error: 'invalid_request', code: 900144 };
      expectRefusal(await askForToken(entra, { ...form, client_assertion: await assertion() }), untyped);
    });

    describe('by Subject Name + Issuer', () => {
      let issuer: ClientCertificate;
      before(async () => {
        issuer = await createClientCertificate({ commonName: 'CA', authority: true });
      });

      async function askWithChain(
        leaf: ClientCertificate,
        ...issuers: ClientCertificate[]
      ): Promise<JsonAnswer> {
        const x5c = [leaf, ...issuers].map(({ cert }) => new X509Certificate(cert).raw.toString('base64'));
        return ask({ signedBy: leaf, header: { 'x5t#S256': thumbprint(leaf.cert, 'sha256'), x5c } });
      }

      it('accepts every certificate of the subject from the issuer, also through an intermediate', async () => {
        application.trustSubject({ subject: 'CN=app', issuer: issuer.cert });
        for (const leaf of [1, 2].map(() => createClientCertificate({ commonName: 'app', issuer }))) {
          expect((await askWithChain(await leaf)).status).to.equal(200);
        }
        const intermediate = await createClientCertificate({
          commonName: 'Intermediate',
          authority: true,
          issuer,
        });
        const leaf = await createClientCertificate({ commonName: 'app', issuer: intermediate });
        expect((await askWithChain(leaf, intermediate)).status).to.equal(200);
      });

      it('rejects another subject, another issuer of the same name, and an issuer that is not an authority', async () => {
        application.trustSubject({ subject: 'CN=app', issuer: issuer.cert });
        const refused = { status: 401, error: 'invalid_client', code: 700027 };
        expectRefusal(
          await askWithChain(await createClientCertificate({ commonName: 'other', issuer })),
          refused,
        );
        const forger = await createClientCertificate({ commonName: 'CA', authority: true });
        expectRefusal(
          await askWithChain(await createClientCertificate({ commonName: 'app', issuer: forger })),
          refused,
        );
        const employee = await createClientCertificate({ commonName: 'employee', issuer });
        const forged = await createClientCertificate({ commonName: 'app', issuer: employee });
        expectRefusal(await askWithChain(forged, employee), refused);
      });
    });
  });

  describe('client_credentials with a federated token', () => {
    const subject = 'system:serviceaccount:default:my-app';

    async function ask(token: string): Promise<JsonAnswer> {
      return askForToken(entra, {
        grant_type: 'client_credentials',
        client_id: application.clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: token,
        scope: SCOPE,
      });
    }

    it('accepts the token of a trusted service account', async () => {
      await entra.addWorkloadIdentity(application, subject);
      expect((await ask(await entra.issueFederatedToken({ subject }))).status).to.equal(200);
    });

    it('rejects another subject, audience or issuer, and an expired token', async () => {
      const refused = (code: number) => ({ status: 401, error: 'invalid_client', code });
      expectRefusal(await ask(await entra.issueFederatedToken({ subject })), refused(700211));
      await entra.addWorkloadIdentity(application, subject);
      expectRefusal(await ask(await entra.issueFederatedToken({ subject: 'other' })), refused(700213));
      expectRefusal(
        await ask(await entra.issueFederatedToken({ subject, audience: 'other' })),
        refused(700212),
      );
      expectRefusal(
        await ask(await entra.issueFederatedToken({ subject, lifetime: -60_000 })),
        refused(700024),
      );
      expectRefusal(await ask(await authority.sign({ sub: subject }, 60_000)), refused(700211));
    });
  });

  describe('authorization_code and refresh_token', () => {
    const redirectUri = 'http://localhost/back';
    const verifier = 'v'.repeat(43);

    before(() => {
      entra.trust();
    });
    beforeEach(() => {
      application = entra.addApplication({ publicClient: true, redirectUris: [redirectUri] });
    });

    async function code(): Promise<string> {
      const { username } = entra.addUser({ password: 'the password' });
      const url = authorizeUrl({ redirect_uri: redirectUri });
      return (
        new URL(await signIn(url, { username, password: 'the password' })).searchParams.get('code') ?? ''
      );
    }

    function authorizeUrl(changes: Record<string, string | undefined>): string {
      const query = parameters({
        client_id: application.clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: `${SCOPE} openid offline_access`,
        state: 'the state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...changes,
      });
      return `${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/authorize?${query.toString()}`;
    }

    function redeem(changes: Record<string, string | undefined>): Promise<JsonAnswer> {
      return askForToken(entra, {
        grant_type: 'authorization_code',
        client_id: application.clientId,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...changes,
      });
    }

    it('returns access, id and refresh tokens for a code', async () => {
      const { status, json } = await redeem({ code: await code() });
      expect(status).to.equal(200);
      expect(json).to.include.keys('access_token', 'id_token', 'refresh_token', 'client_info');
    });

    it('redeems a code once', async () => {
      const once = await code();
      expect((await redeem({ code: once })).status).to.equal(200);
      expectRefusal(await redeem({ code: once }), { status: 400, error: 'invalid_grant', code: 54005 });
    });

    it('rejects another or no verifier, another redirect URI or client, and an unknown code', async () => {
      const grant = (number: number) => ({ status: 400, error: 'invalid_grant', code: number });
      const good = await code();
      expectRefusal(await redeem({ code: good, code_verifier: 'w'.repeat(43) }), grant(501481));
      expectRefusal(await redeem({ code: good, code_verifier: undefined }), {
        status: 400,
        error: 'invalid_request',
        code: 9002325,
      });
      expectRefusal(await redeem({ code: good, redirect_uri: 'http://localhost/other' }), {
        status: 400,
        error: 'invalid_client',
        code: 500112,
      });
      const other = entra.addApplication({ publicClient: true });
      expectRefusal(await redeem({ code: good, client_id: other.clientId }), grant(70000));
      expectRefusal(await redeem({ code: 'x' }), grant(70000));
      expect((await redeem({ code: good })).status).to.equal(200);
    });

    it('replaces the refresh token with each use, and rejects the old one', async () => {
      const { json: first } = await redeem({ code: await code() });
      const refresh = (token: unknown) =>
        askForToken(entra, {
          grant_type: 'refresh_token',
          client_id: application.clientId,
          refresh_token: String(token),
          scope: `${SCOPE} openid offline_access`,
        });
      const { status, json: second } = await refresh(first['refresh_token']);
      expect(status).to.equal(200);
      expect(second['refresh_token']).to.not.equal(first['refresh_token']);
      expectRefusal(await refresh(first['refresh_token']), {
        status: 400,
        error: 'invalid_grant',
        code: 70000,
      });
      expect((await refresh(second['refresh_token'])).status).to.equal(200);
    });

    it('shows a page, without a redirect, for an unknown client or redirect URI', async () => {
      for (const [changes, code] of [
        [{ client_id: 'x' }, 'AADSTS700016'],
        [{ redirect_uri: 'https://evil.example/' }, 'AADSTS50011'],
        [{ redirect_uri: `${redirectUri}/deeper` }, 'AADSTS50011'],
      ] as const) {
        const { status, location, body } = await fetchPage(authorizeUrl(changes));
        expect(status).to.equal(400);
        expect(location).to.equal(undefined);
        expect(body).to.include(code);
      }
    });

    it('accepts any port of localhost for a native application', async () => {
      expect((await fetchPage(authorizeUrl({ redirect_uri: 'http://localhost:8400/back' }))).status).to.equal(
        200,
      );
    });

    it('redirects the browser with the error and the state', async () => {
      for (const [changes, error] of [
        [{ response_type: 'token' }, 'unsupported_response_type'],
        [{ code_challenge: undefined }, 'invalid_request'],
        [{ code_challenge_method: 'plain' }, 'invalid_request'],
        [{ scope: undefined }, 'invalid_request'],
        [{ prompt: 'none' }, 'login_required'],
      ] as const) {
        const { status, location = '' } = await fetchPage(authorizeUrl(changes));
        expect(status).to.equal(302);
        const query = new URL(location).searchParams;
        expect(query.get('error')).to.equal(error);
        expect(query.get('state')).to.equal('the state');
      }
    });

    it('shows its page again, with escaped input, for an unknown user or a wrong password', async () => {
      const url = authorizeUrl({});
      const wrong = async (username: string) => {
        try {
          await signIn(url, { username, password: 'wrong' });
        } catch (error) {
          return String(error);
        }
        throw new Error('expected a refusal');
      };
      expect(await wrong('nobody@nowhere.example')).to.include('AADSTS50034');
      expect(await wrong(entra.addUser({ password: 'right' }).username)).to.include('AADSTS50126');
      expect(await wrong('<b>bold</b>')).to.include('&lt;b&gt;bold');
    });
  });
});

function thumbprint(cert: string, hash: 'sha1' | 'sha256'): string {
  return createHash(hash).update(new X509Certificate(cert).raw).digest('base64url');
}
