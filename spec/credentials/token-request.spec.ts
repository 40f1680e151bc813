import { inspect } from 'node:util';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { requestToken, type TokenSource } from '../../lib/credentials/token-request.js';
import { unsignedJwt } from '../support/jwt.js';
import { rejection } from '../support/rejection.js';

const SCOPE = 'https://redis.azure.com/.default';

function sourceOf(getToken: TokenCredential['getToken'], more: Partial<TokenSource> = {}): TokenSource {
  return {
    credential: { getToken },
    scope: SCOPE,
    classifyError: () => ({ permanent: false, hint: 'what to do' }),
    ...more,
  };
}

function accessToken(more: Partial<AccessToken> = {}): AccessToken {
  return { token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp: Date.now() + 60_000, ...more };
}

describe('a token request', () => {
  it('asks the credential for the scope and gives a token with its user name and times', async () => {
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

  it('is cut off after its time, and the credential is told', async () => {
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

  it('keeps what the identity library said as the cause, with the hint that belongs to it', async () => {
    const said = Object.assign(new Error('AADSTS7000215: Invalid client secret provided.'), {
      name: 'AuthenticationError',
      statusCode: 401,
    });
    const error = await rejection(
      requestToken(
        sourceOf(() => Promise.reject(said), {
          classifyError: () => ({ permanent: true, hint: 'Take the value of the secret.' }),
        }),
        1_000,
      ),
    );
    expect(error).to.include({ code: 'TOKEN_REFUSED', hint: 'Take the value of the secret.' });
    expect(error.message).to.contain('AADSTS7000215');
    expect(error.cause).to.include({ name: 'AuthenticationError', message: said.message, statusCode: 401 });
  });

  it('keeps secrets out of the cause: the request that failed, and tokens', async () => {
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

  it('refuses what is no token', async () => {
    const answers = [
      null,
      accessToken({ token: '' }),
      accessToken({ expiresOnTimestamp: Number.NaN }),
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

  it('refuses a token that has expired, and points to the clock', async () => {
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
