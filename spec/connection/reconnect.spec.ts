import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import { connectionsOf, itWithEach } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { happens, past, times } from '../support/waiting.js';

describe('a client that reconnects', () => {
  const caches = { tokenLifetime: 2_000 };

  const losses: readonly [how: string, lose: (client: Redis, azure: AzureRedisEmulator) => unknown][] = [
    ['the server closed the connection', (_, azure) => azure.dropConnections()],
    [
      'disconnect(true)',
      (client) => {
        client.disconnect(true);
      },
    ],
  ];
  for (const [how, lose] of losses) {
    itWithEach(VARIANTS, `logs in with a fresh token after ${how}`, caches, async (variant, cache) => {
      const options = await cache.configure();
      const client = await cache.connect(variant, options);
      const first = options.authenticator.expiresOn;
      await past(first);
      const ready = happens(client, 'ready');
      lose(client, cache.azure);
      await ready;
      expect(await client.set('key', 'value')).to.equal('OK');
      expect(cache.azure.statistics.logins.at(-1)?.expiresOn).to.be.above(first);
      expect(cache.azure.statistics.refusals).to.deep.equal([]);
    });
  }

  itWithEach(
    VARIANTS,
    'waits for a token in an outage of the identity service, and loses no command',
    caches,
    async (variant, cache) => {
      const options = await cache.configure();
      const client = await cache.connect(variant, options);
      cache.azure.identityDown();
      await past(options.authenticator.expiresOn);
      const queued = client.incr('counter');
      await times(2, options.authenticator, 'tokenRefreshFailed');
      cache.azure.identityRestored();
      expect(await queued).to.equal(1);
      expect(cache.azure.statistics.refusals).to.deep.equal([]);
    },
  );
});

describe('options that were configured long before', () => {
  itWithEach(VARIANTS, 'log in with a fresh token', { tokenLifetime: 2_000 }, async (variant, cache) => {
    const options = await cache.configure();
    await past(options.authenticator.expiresOn);
    expect(cache.azure.statistics.tokenRequests, 'nobody is connected, so nobody asks').to.have.length(1);
    const client = await cache.connect(variant, options);
    expect(await client.set('key', 'value')).to.equal('OK');
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});

describe('the configured options', () => {
  const caches = { tokenLifetime: 4_000 };

  itWithEach(VARIANTS, 'keep duplicates logged in', caches, async (variant, cache) => {
    const credential = cache.azure.credential();
    const options = await cache.configure({ credential });
    const original = cache.client(variant, { ...options, protocol: variant.protocol, lazyConnect: true });
    const duplicate = original.duplicate();
    await duplicate.connect();
    await times(3, options.authenticator, 'reauthenticated');
    expect(connectionsOf(cache.azure, credential)).to.equal(1);
    expect(options.authenticator.connections).to.have.length(1);
    duplicate.disconnect();
  });

  itWithEach(
    VARIANTS,
    'may be configured again: a client is re-authenticated once for each token',
    caches,
    async (variant, cache) => {
      const credential = cache.azure.credential();
      const once = await cache.configure({ credential });
      const options = await cache.configure(once);
      expect(options.authenticator).to.equal(once.authenticator);
      const client = await cache.connect(variant, options);
      options.authenticator.attach(client);
      await times(3, options.authenticator, 'tokenRefreshed');
      const { logins } = cache.azure.statistics;
      const tokens = new Set(logins.map(({ expiresOn }) => expiresOn?.getTime()));
      // One more for attach(), which cannot know what the client logged in with.
      expect(logins.length - tokens.size).to.be.at.most(1);
      expect(connectionsOf(cache.azure, credential)).to.equal(1);
    },
  );

  itWithEach([VARIANTS[0]], 'share one identity between several caches', caches, async (variant, cache) => {
    const first = await cache.configure();
    const second = await cache.configure({ authenticator: first.authenticator });
    await cache.connect(variant, first);
    await cache.connect(variant, second);
    await times(2, first.authenticator, 'reauthenticated');
    expect(second.authenticator).to.equal(first.authenticator);
    expect(new Set(cache.azure.statistics.tokenRequests.map(({ oid }) => oid)).size).to.equal(1);
  });
});
