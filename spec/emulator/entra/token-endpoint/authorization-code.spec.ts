import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { fetchPage, formOf, signIn, submitSignIn } from '../../../identities/support/sign-in.js';
import { type JsonAnswer, parameters } from '../support/client.js';
import { expectRefusal, SCOPE, TokenEndpoint } from '../support/token-endpoint.js';

describe("EntraEmulator's token endpoint", () => {
  const endpoint = TokenEndpoint.forAll();

  describe('authorization_code and refresh_token', () => {
    const redirectUri = 'http://localhost/back';
    const verifier = 'v'.repeat(43);

    before(() => {
      endpoint.entra.trust();
    });
    beforeEach(() => {
      endpoint.application = endpoint.entra.addApplication({
        publicClient: true,
        redirectUris: [redirectUri],
      });
    });

    async function code(): Promise<string> {
      const { username } = endpoint.entra.addUser({ password: 'the password' });
      const url = authorizeUrl({ redirect_uri: redirectUri });
      return (
        new URL(await signIn(url, { username, password: 'the password' })).searchParams.get('code') ?? ''
      );
    }

    function authorizeUrl(changes: Record<string, string | undefined>): string {
      const query = parameters({
        client_id: endpoint.application.clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: `${SCOPE} openid offline_access`,
        state: 'the state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...changes,
      });
      return `${endpoint.entra.authorityHost}/${endpoint.entra.tenantId}/oauth2/v2.0/authorize?${query.toString()}`;
    }

    function redeem(changes: Record<string, string | undefined>): Promise<JsonAnswer> {
      return endpoint.request({
        grant_type: 'authorization_code',
        client_id: endpoint.application.clientId,
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
      const other = endpoint.entra.addApplication({ publicClient: true });
      expectRefusal(await redeem({ code: good, client_id: other.clientId }), grant(70000));
      expectRefusal(await redeem({ code: 'x' }), grant(70000));
      expect((await redeem({ code: good })).status).to.equal(200);
    });

    it('replaces the refresh token with each use, and rejects the old one', async () => {
      const { json: first } = await redeem({ code: await code() });
      const refresh = (token: unknown) =>
        endpoint.request({
          grant_type: 'refresh_token',
          client_id: endpoint.application.clientId,
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
        [{ response_mode: 'web_message' }, 'invalid_request'],
      ] as const) {
        const { status, location = '' } = await fetchPage(authorizeUrl(changes));
        expect(status).to.equal(302);
        const query = new URL(location).searchParams;
        expect(query.get('error')).to.equal(error);
        expect(query.get('state')).to.equal('the state');
      }
    });

    it('answers with a form for the redirect URI if response_mode is form_post', async () => {
      const { username } = endpoint.entra.addUser({ password: 'right' });
      const state = '<"&\'>';
      const url = authorizeUrl({ response_mode: 'form_post', state });
      const { status, body } = await submitSignIn(url, { username, password: 'right' });
      expect(status).to.equal(200);
      const { action, fields } = formOf(body);
      expect(action).to.equal(redirectUri);
      expect(fields.get('state')).to.equal(state);
      expect((await redeem({ code: fields.get('code') ?? '' })).status).to.equal(200);

      const refused = formOf(
        (await fetchPage(authorizeUrl({ response_mode: 'form_post', prompt: 'none' }))).body,
      );
      expect(refused.fields.get('error')).to.equal('login_required');
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
      expect(await wrong(endpoint.entra.addUser({ password: 'right' }).username)).to.include('AADSTS50126');
      expect(await wrong('<b>bold</b>')).to.include('&lt;b&gt;bold');
    });
  });
});
