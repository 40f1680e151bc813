import { expect } from 'chai';
import { inspect } from 'node:util';
import { decodeJwt } from 'jose';
import sinon from 'sinon';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { RawCache, SCOPE } from '../support/raw-cache.js';
import { next } from '../support/waiting.js';

describe('AzureRedisEmulator: identities', () => {
  const fixture = RawCache.forAll();

  afterEach(() => {
    fixture.azure.identityRestored();
  });

  async function failure(promise: Promise<unknown>): Promise<unknown> {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error('expected a rejection');
  }

  describe('a token', () => {
    it('has the claims of a token of Entra', async () => {
      const credential = fixture.azure.credential({ claims: { appid: 'app', tid: undefined } });
      const now = Date.now();
      const { token, expiresOnTimestamp, refreshAfterTimestamp, tokenType } =
        await credential.getToken(SCOPE);
      const claims = decodeJwt(token);
      expect(claims).to.include({
        aud: 'https://redis.azure.com',
        oid: credential.oid,
        sub: credential.oid,
        appid: 'app',
      });
      expect(claims).to.not.have.property('tid');
      expect(claims.exp).to.equal(expiresOnTimestamp / 1000);
      expect(expiresOnTimestamp).to.be.within(now + 3_600_000, Date.now() + 3_600_000);
      expect([refreshAfterTimestamp, tokenType]).to.deep.equal([undefined, 'Bearer']);
    });

    it('has the lifetime and the advised refresh of its identity', async () => {
      const credential = fixture.azure.credential({ tokenLifetime: 10_000, refreshAfter: 0.25 });
      const { expiresOnTimestamp, refreshAfterTimestamp } = await credential.getToken(SCOPE);
      expect(expiresOnTimestamp - Date.now()).to.be.within(9_000, 10_000);
      expect(refreshAfterTimestamp).to.equal(expiresOnTimestamp - 7_500);
    });

    it('is new for each request', async () => {
      const credential = fixture.azure.credential();
      const [one, other] = [await credential.getToken(SCOPE), await credential.getToken(SCOPE)];
      expect(one.token).to.not.equal(other.token);
    });

    it('can be issued directly, regardless of faults', async () => {
      fixture.azure.identityDown();
      const token = await fixture.azure.issueToken({
        oid: 'anybody',
        lifetime: -1_000,
        claims: { aud: 'x' },
      });
      const claims = decodeJwt(token);
      expect(claims).to.include({ oid: 'anybody', aud: 'x' });
      expect(claims.exp).to.be.below(Date.now() / 1000);
    });
  });

  describe('a cached token', () => {
    it('is returned again, and counted once', async () => {
      const credential = fixture.azure.credential({ cacheTokens: true });
      const { tokenRequests, tokensIssued } = fixture.azure.statistics;
      const tokens = [await credential.getToken(SCOPE), await credential.getToken(SCOPE)];
      expect(tokens[0]).to.equal(tokens[1]);
      expect(fixture.azure.statistics.tokenRequests).to.have.lengthOf(tokenRequests.length + 1);
      expect(fixture.azure.statistics.tokensIssued).to.have.lengthOf(tokensIssued.length + 1);
    });

    it('is returned regardless of faults', async () => {
      const credential = fixture.azure.credential({ cacheTokens: true });
      const token = await credential.getToken(SCOPE);
      fixture.azure.identityDown();
      expect(await credential.getToken(SCOPE)).to.equal(token);
    });

    it('is replaced near its expiry: in the last tenth of a short lifetime', async () => {
      const credential = fixture.azure.credential({ cacheTokens: true, tokenLifetime: 1_000 });
      const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
      try {
        const first = await credential.getToken(SCOPE);
        clock.setSystemTime(first.expiresOnTimestamp - 101);
        expect(await credential.getToken(SCOPE)).to.equal(first);
        clock.setSystemTime(first.expiresOnTimestamp - 100);
        expect(await credential.getToken(SCOPE)).not.to.equal(first);
      } finally {
        clock.restore();
      }
    });

    it('is replaced at its advised refresh', async () => {
      const credential = fixture.azure.credential({ cacheTokens: true, refreshAfter: 0 });
      const [one, other] = [await credential.getToken(SCOPE), await credential.getToken(SCOPE)];
      expect(one.token).to.not.equal(other.token);
    });
  });

  it('is down until identityRestored()', async () => {
    const { credential } = fixture.azure.options;
    fixture.azure.identityDown();
    expect(await failure(credential.getToken(SCOPE))).to.include({ name: 'RestError', code: 'ECONNREFUSED' });
    fixture.azure.identityRestored();
    expect(await credential.getToken(SCOPE)).to.have.property('token');
  });

  it('is down with a given error', async () => {
    const error = new Error('AADSTS700016: no such application');
    fixture.azure.identityDown(error);
    expect(await failure(fixture.azure.options.credential.getToken(SCOPE))).to.equal(error);
  });

  it('delays its replies', async () => {
    fixture.azure.identitySlow(200);
    const start = performance.now();
    await fixture.azure.options.credential.getToken(SCOPE);
    expect(performance.now() - start).to.be.at.least(199);
  });

  it('throttles, with Retry-After in seconds', async () => {
    fixture.azure.identityThrottling({ retryAfter: 7_000 });
    const error = await failure(fixture.azure.options.credential.getToken(SCOPE));
    expect(error).to.include({ name: 'RestError', statusCode: 429, code: 'TooManyRequests' });
    expect(error).to.have.nested.property('response.status', 429);
    expect(retryAfter(error)).to.equal('7');
  });

  it('throttles, with Retry-After as a date', async () => {
    fixture.azure.identityThrottling({ retryAfter: new Date('2030-01-02T03:04:05Z') });
    const error = await failure(fixture.azure.options.credential.getToken(SCOPE));
    expect(retryAfter(error)).to.equal('Wed, 02 Jan 2030 03:04:05 GMT');
  });

  function retryAfter(error: unknown): string | undefined {
    const { response } = error as { response: { headers: { get(name: string): string | undefined } } };
    expect(response.headers.get('x-other')).to.equal(undefined);
    return response.headers.get('Retry-After');
  }

  for (const [fault, begin] of [
    [
      'hangs',
      (azure: AzureRedisEmulator) => {
        azure.identityHanging();
      },
    ],
    [
      'is slow',
      (azure: AzureRedisEmulator) => {
        azure.identitySlow(60_000);
      },
    ],
  ] as const) {
    it(`lets a request that ${fault} be aborted`, async () => {
      begin(fixture.azure);
      const given = new AbortController();
      const request = next(fixture.azure, 'tokenRequest');
      const token = failure(fixture.azure.options.credential.getToken(SCOPE, { abortSignal: given.signal }));
      await request;
      given.abort();
      expect(await token).to.have.property('name', 'AbortError');
    });
  }

  it('does not start an aborted request', async () => {
    const token = fixture.azure.options.credential.getToken(SCOPE, { abortSignal: AbortSignal.abort() });
    expect(await failure(token)).to.have.property('name', 'AbortError');
  });

  it('leaves hanging requests unanswered after a restore, and ends them on stop()', async () => {
    const azure = await AzureRedisEmulator.start();
    azure.identityHanging();
    const hanging = Array.from({ length: 50 }, () => failure(azure.options.credential.getToken(SCOPE)));
    azure.identityRestored();
    await azure.options.credential.getToken(SCOPE);
    const first = Promise.race([...hanging, new Promise((resolve) => setImmediate(resolve, 'nothing'))]);
    expect(await first).to.equal('nothing');
    await azure.stop();
    for (const error of await Promise.all(hanging)) expect(error).to.have.property('name', 'AbortError');
  });

  it('shows no token in its inspection', async () => {
    const credential = fixture.azure.credential({ cacheTokens: true });
    const { token } = await credential.getToken(SCOPE);
    const seen = inspect(credential, { showHidden: true, depth: null }) + JSON.stringify(credential);
    expect(seen).to.contain(credential.oid).and.not.contain(token);
  });
});
