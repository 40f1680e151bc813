import type { AccessToken } from '@azure/core-auth';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { AuthenticatorEvents, ConfiguredRedisOptions } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { unsignedJwt } from '../support/jwt.js';
import { ProgrammableCredential, type Answer } from '../support/programmable-credential.js';
import { rejection } from '../support/rejection.js';
import { allRenewed, happens, next, times, until } from '../support/waiting.js';

type RefreshFailed = AuthenticatorEvents['tokenRefreshFailed'][0];

/** A client of every kind, all logged in with one token. */
async function everyKind(cache: Cache, options: ConfiguredRedisOptions): Promise<Redis[]> {
  return Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
}

describe('an identity service that fails while clients are connected', () => {
  const cache = Cache.forEach({ tokenLifetime: 6_000 });

  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  const faults: readonly (readonly [what: string, begin: (azure: AzureRedisEmulator) => void])[] = [
    [
      'is down',
      (azure) => {
        azure.identityDown();
      },
    ],
    [
      'takes longer than an attempt may',
      (azure) => {
        azure.identitySlow(60_000);
      },
    ],
    [
      'does not answer at all',
      (azure) => {
        azure.identityHanging();
      },
    ],
    [
      'throttles, with Retry-After in seconds',
      (azure) => {
        azure.identityThrottling({ retryAfter: 1_000 });
      },
    ],
  ];

  for (const [what, begin] of faults) {
    it(`closes no connection if it ${what}, but recovers before the token expires`, async () => {
      const options = await cache.configure({ acquireTimeout: 200 });
      await everyKind(cache, options);
      const first = options.authenticator.expiresOn;
      begin(cache.azure);
      await next<RefreshFailed>(options.authenticator, 'tokenRefreshFailed');
      cache.azure.identityRestored();
      await next(options.authenticator, 'tokenRefreshed');
      await allRenewed(options);
      expect(new Date()).to.be.below(first);
      expect(cache.azure.statistics.connections).to.have.length(VARIANTS.length);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    });
  }

  it('is not requested before the date in its Retry-After', async () => {
    const options = await cache.configure();
    await everyKind(cache, options);
    // An HTTP date has whole seconds.
    const date = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_000);
    cache.azure.identityThrottling({ retryAfter: date });
    const { error } = await next<RefreshFailed>(options.authenticator, 'tokenRefreshFailed');
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    cache.azure.identityRestored();
    await next(options.authenticator, 'tokenRefreshed');
    expect(cache.azure.statistics.tokenRequests).to.have.length(3);
    expect(cache.azure.statistics.tokenRequests[2]?.at).to.be.at.least(date);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });
});

describe('an identity service that recovers long after the token has expired', () => {
  const cache = Cache.forEach({ tokenLifetime: 4_000 });

  it('meets clients that worked until the expiry, wait or fail as configured, and recover', async () => {
    const options = await cache.configure({ connectTimeout: 1_000 });
    const patient = await everyKind(cache, options);
    const subscribers = await everyKind(cache, options);
    await Promise.all(subscribers.map((subscriber) => subscriber.subscribe('news')));
    const [variant] = VARIANTS;
    const impatient = [
      [{ maxRetriesPerRequest: 1 }, /^Reached the max retries per request limit \(which is 1\)/],
      [{ commandTimeout: 1_000 }, /^Command timed out$/],
      [{ enableOfflineQueue: false }, /^Stream isn't writeable and enableOfflineQueue options is false$/],
      [{ retryStrategy: () => null }, /^Connection is closed\.$/],
    ] as const;
    const connected = await Promise.all(
      impatient.map(async ([setting, message]) => ({
        client: await cache.connect(variant, { ...options, ...setting }),
        message,
      })),
    );
    const everybody = [...patient, ...subscribers, ...connected.map(({ client }) => client)];
    const closed = Promise.all(everybody.map((client) => happens(client, 'close')));

    cache.azure.identityDown();
    const end = +options.authenticator.expiresOn;
    while (Date.now() < end - 100) {
      const answers = Promise.all(patient.map((client) => client.ping()));
      // What is sent at the last moment is answered later.
      answers.catch(() => undefined);
      await Promise.race([answers, closed]);
    }
    await closed;
    expect(cache.azure.statistics.evictions).to.have.length(everybody.length);

    for (const { client, message } of connected) {
      const failure: unknown = await client.get('key').catch((error: unknown) => error);
      expect(failure).to.have.property('message').that.matches(message);
    }
    const answers = Promise.all(patient.map((client) => client.incr('counter')));
    await times(3, options.authenticator, 'tokenRefreshFailed');

    const news = subscribers.map((subscriber) => happens(subscriber, 'message'));
    const restored = Promise.all(subscribers.map((subscriber) => happens(subscriber, 'ready')));
    cache.azure.identityRestored();
    await restored;
    expect(await answers).to.have.members([1, 2, 3]);
    await until(
      async () => (await cache.azure.server.call('PUBLISH', 'news', 'hello')) === subscribers.length,
    );
    await Promise.all(news);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});

describe('an identity service with unusable replies', () => {
  const cache = Cache.forAll({ tokenLifetime: 6_000 });

  const answers: readonly (readonly [what: string, answer: Answer, code: string])[] = [
    ['nothing', () => Promise.resolve(null), 'TOKEN_INVALID'],
    ['no token', asToken({ token: 'rubbish' }), 'TOKEN_INVALID'],
    ['a token that ends at no time', asToken({ expiresOnTimestamp: Number.NaN }), 'TOKEN_INVALID'],
    ['a token that has expired', asToken({ expiresOnTimestamp: Date.now() - 1 }), 'TOKEN_UNAVAILABLE'],
    ['a token without oid', asToken({ token: unsignedJwt({ sub: 'somebody' }) }), 'TOKEN_INVALID'],
    ['an expiry of a clock that is an hour behind', shifted(-3_600_000), 'TOKEN_UNAVAILABLE'],
  ];

  /** The token that would have been given, but for this. */
  function asToken(more: Partial<AccessToken>): Answer {
    return async (issue) => ({ ...(await issue()), ...more });
  }

  function shifted(by: number): Answer {
    return async (issue) => {
      const token = await issue();
      return { ...token, expiresOnTimestamp: token.expiresOnTimestamp + by };
    };
  }

  it('closes no connection: the current token stays in use until a valid one arrives', async () => {
    const [variant] = VARIANTS;
    await Promise.all(
      answers.map(async ([what, answer, code]) => {
        const credential = new ProgrammableCredential(cache.azure.credential());
        const options = await cache.configure({ credential });
        const client = await cache.connect(variant, options);
        credential.answerWith(answer);
        const { error } = await next<RefreshFailed>(options.authenticator, 'tokenRefreshFailed');
        expect(error.code, what).to.equal(code);
        expect(await client.ping()).to.equal('PONG');
        credential.restore();
        await allRenewedOnce(options);
        expect(await client.ping()).to.equal('PONG');
      }),
    );
    expect(cache.azure.statistics.connections).to.have.length(answers.length);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  async function allRenewedOnce(options: ConfiguredRedisOptions): Promise<void> {
    await next(options.authenticator, 'reauthenticated');
    await allRenewed(options);
  }

  it('costs one rejected connection if its clock is fast and tokens expire early', async () => {
    const [variant] = VARIANTS;
    const before = cache.azure.statistics;
    const credential = new ProgrammableCredential(cache.azure.credential());
    credential.answerWith(shifted(8_000));
    const options = await cache.configure({ credential, expirationRefreshRatio: 0.99 });
    const client = await cache.connect(variant, { ...options, maxRetriesPerRequest: null });
    await next(cache.azure, 'eviction');
    await happens(client, 'ready');
    expect(await client.ping()).to.equal('PONG');
    const refusals = cache.azure.statistics.refusals.slice(before.refusals.length);
    expect(new Set(refusals.map(({ reason }) => reason))).to.deep.equal(new Set(['the token has expired']));
    expect(new Set(refusals.map(({ connection }) => connection))).to.have.property('size', 1);
  });
});

describe('an identity service that is down at the start', () => {
  const cache = Cache.forEach();

  it('is retried, and the start succeeds if it recovers in time', async () => {
    cache.azure.identityDown();
    const configured = cache.configure({ retry: { minTimeout: 500 } });
    await until(() => cache.azure.statistics.tokenRequests.length > 0);
    cache.azure.identityRestored();
    const options = await configured;
    const clients = await everyKind(cache, options);
    expect(await Promise.all(clients.map((client) => client.ping()))).to.deep.equal(
      clients.map(() => 'PONG'),
    );
    expect(cache.azure.statistics.tokenRequests.length).to.be.within(2, 5);
  });

  it('fails the start with the reason after the last attempt, and leaves nothing running', async () => {
    cache.azure.identityDown();
    const error = await rejection(cache.configure({ retry: { retries: 1, minTimeout: 20 } }));
    expect(error).to.include({ code: 'TOKEN_UNAVAILABLE' });
    expect(error.message).to.contain('ECONNREFUSED');
    expect(cache.azure.statistics.tokenRequests).to.have.length(2);
  });
});
