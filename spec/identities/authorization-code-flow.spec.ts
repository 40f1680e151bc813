import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { useFakeTimers } from 'sinon';
import { AzureRedisError } from '../../lib/errors.js';
import {
  AuthorizationCodeFlow,
  type AuthorizationCodeFlowOptions,
} from '../../lib/identities/authorization-code-flow.js';
import { classifyIdentityError } from '../../lib/identities/identity-errors.js';
import { type Application, EntraEmulator, type User } from '../../emulator/entra/index.js';
import { createTokenAuthority, type TokenAuthority } from '../../emulator/tokens.js';
import { rejection } from '../support/rejection.js';
import { failure, thrown } from './support/failure.js';
import { expectNoSecret } from './support/secrecy.js';
import { signIn } from './support/sign-in.js';

const SCOPE = 'https://redis.azure.com/.default';
const REDIRECT_URI = 'http://localhost:8400/signed-in';

describe('AuthorizationCodeFlow', () => {
  let authority: TokenAuthority;
  let entra: EntraEmulator;
  let application: Application;
  let user: User;
  const password = 'Pa55w.rd of a user';

  before(async () => {
    authority = await createTokenAuthority();
    entra = await EntraEmulator.start({ authority });
    entra.trust();
  });
  after(async () => {
    await entra.stop();
  });
  beforeEach(() => {
    entra.restored();
    application = entra.addApplication({ publicClient: true, redirectUris: [REDIRECT_URI] });
    user = entra.addUser({ password });
  });

  function newFlow(changes: Partial<AuthorizationCodeFlowOptions> = {}): AuthorizationCodeFlow {
    return new AuthorizationCodeFlow({
      clientId: application.clientId,
      tenantId: entra.tenantId,
      redirectUri: REDIRECT_URI,
      authorityHost: entra.authorityHost,
      ...changes,
    });
  }

  async function signedIn(): Promise<TokenCredential> {
    const flow = newFlow();
    return flow.redeem(await signIn(await flow.authorizationUrl(), { username: user.username, password }));
  }

  async function tokenOf(credential: TokenCredential): Promise<string> {
    const token = await credential.getToken(SCOPE);
    return token?.token ?? '';
  }

  /** Expects a step to fail by its time limit, which ends as soon as it has begun. */
  async function expectTimeout(step: () => Promise<unknown>): Promise<void> {
    entra.hanging();
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const failed = rejection(step());
      for (const end = Date.now() + 5_000; clock.countTimers() === 0 && Date.now() < end;) await nextTurn();
      await clock.tickAsync(30_000);
      const { code, message, hint } = await failed;
      expect(code).to.equal('TOKEN_UNAVAILABLE');
      expect(message).to.include('no answer within 30000 ms');
      expect(hint).to.match(/could not be reached/);
    } finally {
      clock.restore();
    }
  }

  describe('authorizationUrl()', () => {
    it('contains the client, the PKCE challenge, the state and the scope', async () => {
      const url = new URL(await newFlow().authorizationUrl());
      expect(url.origin + url.pathname).to.equal(
        `${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/authorize`,
      );
      const query = Object.fromEntries(url.searchParams);
      expect(query).to.include({
        client_id: application.clientId,
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        code_challenge_method: 'S256',
      });
      expect(query['code_challenge']).to.match(/^[\w-]{43}$/);
      expect(query['state']).to.match(/^[\w-]{43}$/);
      expect(query['scope']?.split(' ')).to.include.members([SCOPE, 'offline_access']);
    });

    it('starts a new sign-in each time', async () => {
      const flow = newFlow();
      const [first, second] = [
        new URL(await flow.authorizationUrl()),
        new URL(await flow.authorizationUrl()),
      ];
      for (const name of ['state', 'nonce', 'code_challenge']) {
        expect(first.searchParams.get(name)).to.not.equal(second.searchParams.get(name));
      }
    });

    it('rejects after half a minute when the authority does not answer', async () => {
      await expectTimeout(() => newFlow().authorizationUrl());
    });

    it('rejects with a hint when the authority is unavailable', async () => {
      entra.down();
      const error = await rejection(newFlow().authorizationUrl());
      expect(error.code).to.equal('TOKEN_UNAVAILABLE');
      expect(error.hint).to.match(/network/);
    });
  });

  describe('redeem()', () => {
    it('resolves to a credential with tokens of the user: first that of the sign-in, then new ones', async () => {
      const credential = await signedIn();
      const before = entra.statistics.tokens.length;
      const tokens = [await tokenOf(credential), await tokenOf(credential), await tokenOf(credential)];
      expect(new Set(tokens).size).to.equal(3);
      expect(entra.statistics.tokens.length - before).to.equal(2);
      for (const token of tokens) {
        const claims = await authority.verify(token);
        expect(claims).to.include({ oid: user.objectId, upn: user.username, appid: application.clientId });
      }
    });

    it('resolves to a credential that serves concurrent requests, although each reply replaces the refresh token', async () => {
      const credential = await signedIn();
      const tokens = await Promise.all(Array.from({ length: 8 }, () => tokenOf(credential)));
      expect(new Set(tokens).size).to.equal(8);
    });

    it('resolves to a credential that recovers as soon as Entra does', async () => {
      const credential = await signedIn();
      await tokenOf(credential);
      for (const status of [500, 503]) {
        entra.failing(status);
        expect(classifyIdentityError(await failure(tokenOf(credential))).permanent).to.equal(false);
        entra.restored();
        await tokenOf(credential);
      }
    });

    it('resolves to a credential whose requests can be aborted and repeated', async () => {
      const credential = await signedIn();
      await tokenOf(credential);
      entra.hanging();
      const abort = new AbortController();
      const asked = failure(credential.getToken(SCOPE, { abortSignal: abort.signal }));
      abort.abort();
      expect((await asked).name).to.equal('AbortError');
      entra.restored();
      await tokenOf(credential);
    });

    it('resolves to a credential whose error says to sign in again after the sign-in was revoked', async () => {
      const credential = await signedIn();
      await tokenOf(credential);
      entra.revokeSignIns(user);
      const error = await failure(tokenOf(credential));
      expect(error.message).to.include('AADSTS50173');
      const { permanent, hint } = classifyIdentityError(error);
      expect(permanent).to.equal(true);
      expect(hint).to.match(/sign in again/);
    });

    it('rejects a URL with another state, and keeps the sign-in open for the right one', async () => {
      const flow = newFlow();
      const redirected = new URL(
        await signIn(await flow.authorizationUrl(), { username: user.username, password }),
      );
      const forged = new URL(redirected);
      forged.searchParams.set('state', 'x'.repeat(43));
      const error = await rejection(flow.redeem(forged));
      expect(error.code).to.equal('TOKEN_REFUSED');
      expect(error.message).to.match(/does not belong to this sign-in/);
      forged.searchParams.delete('state');
      expect((await rejection(flow.redeem(forged))).message).to.match(/does not belong to this sign-in/);
      await flow.redeem(redirected);
    });

    it('rejects the code of another sign-in, which has another PKCE verifier', async () => {
      const [own, other] = [newFlow(), newFlow()];
      const ownUrl = await own.authorizationUrl();
      const stolen = new URL(
        await signIn(await other.authorizationUrl(), { username: user.username, password }),
      );
      stolen.searchParams.set('state', new URL(ownUrl).searchParams.get('state') ?? '');
      const error = await rejection(own.redeem(stolen));
      expect(error.code).to.equal('TOKEN_REFUSED');
      expect(error.message).to.include('AADSTS501481');
      expect(error.hint).to.match(/verifier/);
    });

    it('reports that the user declined', async () => {
      const flow = newFlow();
      const redirected = await signIn(await flow.authorizationUrl(), {
        username: '',
        password: '',
        choice: 'cancel',
      });
      const error = await rejection(flow.redeem(redirected));
      expect(error.code).to.equal('TOKEN_REFUSED');
      expect(error.message).to.include('access_denied').and.include('AADSTS65004');
      expect(error.hint).to.equal('The user declined to consent.');
    });

    it('rejects if no sign-in is in progress: none was started, or it was redeemed', async () => {
      const flow = newFlow();
      expect((await rejection(flow.redeem(`${REDIRECT_URI}?code=1`))).message).to.match(
        /No sign-in is in progress/,
      );
      const redirected = await signIn(await flow.authorizationUrl(), { username: user.username, password });
      await flow.redeem(redirected);
      expect((await rejection(flow.redeem(redirected))).message).to.match(/No sign-in is in progress/);
    });

    it('rejects an invalid URL and a URL without a code', async () => {
      const flow = newFlow();
      const { searchParams } = new URL(await flow.authorizationUrl());
      expect((await rejection(flow.redeem('/signed-in?code=1'))).code).to.equal('INVALID_OPTION');
      const withoutCode = `${REDIRECT_URI}?state=${searchParams.get('state') ?? ''}`;
      expect((await rejection(flow.redeem(withoutCode))).message).to.match(/has no `code`/);
    });

    it('rejects after half a minute when Entra does not answer', async () => {
      const flow = newFlow();
      const redirected = await signIn(await flow.authorizationUrl(), { username: user.username, password });
      await expectTimeout(() => flow.redeem(redirected));
    });

    it('reports that Entra is unreachable', async () => {
      const flow = newFlow();
      const redirected = await signIn(await flow.authorizationUrl(), { username: user.username, password });
      entra.failing(503);
      expect((await rejection(flow.redeem(redirected))).code).to.equal('TOKEN_UNAVAILABLE');
    });
  });

  describe('options', () => {
    const refused: [string, Record<string, unknown>, RegExp][] = [
      ['no client', { clientId: undefined }, /clientId` is missing/],
      ['no tenant', { tenantId: undefined }, /tenantId` is missing/],
      ['no redirect URI', { redirectUri: undefined }, /redirectUri` is missing/],
      ['a redirect URI that is not a URL', { redirectUri: 'localhost' }, /redirectUri` must be a URL/],
      ['an authority that is not a URL', { authorityHost: 'login.microsoftonline.us' }, /authorityHost/],
      ['an unknown field', { clientSecret: 'x' }, /no field `clientSecret`/],
    ];
    for (const [what, changes, message] of refused) {
      it(`are rejected at once: ${what}`, () => {
        const options = { clientId: 'a', tenantId: 'b.example', redirectUri: REDIRECT_URI, ...changes };
        // As a JavaScript program would.
        const error = thrown(() => new AuthorizationCodeFlow(options));
        expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
        expect(error).to.have.property('message').that.matches(message);
      });
    }
  });

  it('shows no code, token or verifier in its inspection and errors', async () => {
    const flow = newFlow();
    const url = new URL(await flow.authorizationUrl());
    const redirected = new URL(await signIn(url.href, { username: user.username, password }));
    const code = redirected.searchParams.get('code') ?? '';
    const state = url.searchParams.get('state') ?? '';
    expectNoSecret(flow, { state });
    entra.down();
    expectNoSecret(await rejection(flow.redeem(redirected)), { code, state });
    entra.restored();

    const credential = await signedIn();
    const token = await tokenOf(credential);
    expectNoSecret(credential, { token });
    entra.revokeSignIns(user);
    expectNoSecret(await failure(tokenOf(credential)), { token });
  });
});
