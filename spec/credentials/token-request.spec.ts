import { inspect } from 'node:util';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { requestToken, type TokenSource } from '../../lib/credentials/token.js';
import { unsignedJwt } from '../support/jwt.js';
import { rejection } from '../support/rejection.js';

const SCOPE = 'https://redis.azure.com/.default';

function sourceOf(getToken: TokenCredential['getToken'], more: Partial<TokenSource> = {}): TokenSource {
  return {
    credential: { getToken },
    scope: SCOPE,
    ...more,
  };
}

function accessToken(more: Partial<AccessToken> = {}): AccessToken {
  return { token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp: Date.now() + 60_000, ...more };
}

describe('a token request', () => {
  it('passes the scope to the credential and resolves to a token with its user name and times', async () => {
    const refreshAfterTimestamp = Date.now() + 30_000;
    const answer = accessToken({ refreshAfterTimestamp });
    const asked: unknown[] = [];
    const token = await requestToken(
      sourceOf((scopes) => {
        asked.push(scopes);
        return Promise.resolve(answer);
      }),
      1_000,
    );
    expect(asked).to.deep.equal([SCOPE]);
    expect(token).to.include({
      username: 'me',
      password: answer.token,
      expiresOn: answer.expiresOnTimestamp,
      refreshAfter: refreshAfterTimestamp,
    });
  });

  it('ends after its timeout and aborts the signal of the credential', async () => {
    let told: Promise<void> | undefined;
    const error = await rejection(
      requestToken(
        sourceOf((_, options) => {
          told = new Promise((resolve) => {
            options?.abortSignal?.addEventListener('abort', () => {
              resolve();
            });
          });
          return new Promise(() => undefined);
        }),
        20,
      ),
    );
    await told;
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    expect(error.message).to.contain('20 ms');
  });

  it('rejects with the error of the identity library as the cause, and the hint for it', async () => {
    const said = Object.assign(new Error('AADSTS7000215: Invalid client secret provided.'), {
      name: 'AuthenticationError',
      statusCode: 401,
    });
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.reject(said)),
        1_000,
      ),
    );
    expect(error.code).to.equal('TOKEN_REFUSED');
    expect(error.hint).to.match(/^Use the "Value" of the secret/);
    expect(error.message).to.contain('AADSTS7000215');
    expect(error.cause).to.include({ name: 'AuthenticationError', message: said.message, statusCode: 401 });
  });

  it('keeps tokens and the failed request out of the cause', async () => {
    const jwt = unsignedJwt({ oid: 'me' });
    const inner = Object.assign(new Error(`bad assertion ${jwt}`), {
      config: { body: 'client_secret=hunter2' },
    });
    const said = Object.assign(new Error(`refused ${jwt}`, { cause: inner }), {
      request: { body: 'client_secret=hunter2' },
    });
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.reject(said)),
        1_000,
      ),
    );
    const shown = inspect(error, { depth: 9, showHidden: true });
    expect(shown).to.contain('bad assertion <token>');
    expect(shown).not.to.contain('hunter2').and.not.to.contain(jwt);
  });

  it('rejects anything but a usable token', async () => {
    const answers = [
      null,
      accessToken({ token: '' }),
      accessToken({ token: 'opaque' }),
      accessToken({ token: unsignedJwt({ sub: 'no oid' }) }),
    ];
    for (const answer of answers) {
      const error = await rejection(
        requestToken(
          sourceOf(() => Promise.resolve(answer)),
          1_000,
        ),
      );
      expect(error.code).to.equal('TOKEN_INVALID');
    }
  });

  const soon = Date.now() + 60_000;
  const EXPIRIES: readonly (readonly [
    what: string,
    expiresOnTimestamp: unknown,
    said: RegExp,
    hint: RegExp,
  ])[] = [
    ['seconds', Math.floor(soon / 1000), /milliseconds since 1970, got \d{10}\.$/, /seconds/],
    ['zero', 0, /got 0\.$/, /number/],
    ['a negative number', -1, /got -1\.$/, /number/],
    ['NaN', Number.NaN, /got NaN\.$/, /number/],
    ['Infinity', Number.POSITIVE_INFINITY, /got Infinity\.$/, /number/],
    ['nothing', undefined, /got undefined\.$/, /number/],
    ['null', null, /got null\.$/, /number/],
    ['a Date', new Date(soon), /got a Date\.$/, /not a Date/],
    ['a string of digits', String(soon), /got a string\.$/, /not a Date or a string/],
    ['an ISO string', new Date(soon).toISOString(), /got a string\.$/, /not a Date or a string/],
  ];
  for (const [what, expiresOnTimestamp, said, hint] of EXPIRIES) {
    it(`rejects an expiresOnTimestamp of ${what} as TOKEN_INVALID`, async () => {
      // What JavaScript, which knows no types, may return.
      const answer = { ...accessToken(), expiresOnTimestamp } as AccessToken;
      const error = await rejection(
        requestToken(
          sourceOf(() => Promise.resolve(answer)),
          1_000,
        ),
      );
      expect(error.code).to.equal('TOKEN_INVALID');
      expect(error.message).to.match(said);
      expect(error.hint).to.match(hint);
    });
  }

  const ADVICE: readonly (readonly [what: string, refreshAfterTimestamp: unknown])[] = [
    ['in the past', Date.now() - 1],
    ['in seconds', Math.floor(soon / 1000)],
    ['after the expiry', soon + 60_000],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['null', null],
    ['a Date', new Date(Date.now() + 30_000)],
    ['a string', String(Date.now() + 30_000)],
  ];
  for (const [what, refreshAfterTimestamp] of ADVICE) {
    it(`ignores a refreshAfterTimestamp that is ${what}`, async () => {
      const answer = { ...accessToken({ expiresOnTimestamp: soon }), refreshAfterTimestamp } as AccessToken;
      const token = await requestToken(
        sourceOf(() => Promise.resolve(answer)),
        1_000,
      );
      expect(token.refreshAfter).to.equal(undefined);
    });
  }

  it('keeps secrets out of a cause that refers to itself', async () => {
    const said = new Error('refused');
    said.cause = said;
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.reject(said)),
        1_000,
      ),
    );
    expect(error).to.have.nested.property('cause.message', 'refused');
  });

  it('rejects an expired token, and points to the clock', async () => {
    const expired = accessToken({ expiresOnTimestamp: Date.now() - 1 });
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.resolve(expired)),
        1_000,
      ),
    );
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    expect(error.hint).to.contain('clock');
  });

  it('reports a `username` function that throws', async () => {
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.resolve(accessToken()), {
          username: () => {
            throw new Error('no such claim');
          },
        }),
        1_000,
      ),
    );
    expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'TOKEN_INVALID' });
    expect(error.message).to.contain('no such claim');
  });
});
