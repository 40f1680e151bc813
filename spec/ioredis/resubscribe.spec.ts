import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { AuthenticatorEvents, AzureRedisError, ConfiguredRedisOptions } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { ClusteredCache, SHARDED_VARIANTS } from '../support/clustered-cache.js';
import { RESP2_VARIANTS, VARIANTS, type Variant } from '../support/ioredis-versions.js';
import { forbidUnhandledRejections } from '../support/unhandled-rejections.js';
import { nextWhere, past, until } from '../support/waiting.js';

type Recycled = AuthenticatorEvents['recycled'][0];

/** The next error about subscriptions that the server has refused. */
async function refusal(emitter: object): Promise<AzureRedisError> {
  return nextWhere(emitter, 'error', ({ code }: AzureRedisError) => code === 'SUBSCRIPTION_REFUSED');
}

/** Records the channels of the messages that arrive. */
function receive(emitter: Pick<Redis, 'on'>): Set<string> {
  const received = new Set<string>();
  emitter.on('message', (channel: string) => received.add(channel));
  emitter.on('smessage', (channel: string) => received.add(channel));
  emitter.on('pmessage', (_pattern: string, channel: string) => received.add(channel));
  return received;
}

describe('the subscriptions of a client', () => {
  const cache = Cache.forAll({ tokenLifetime: 4_000 });
  forbidUnhandledRejections();

  async function start(
    variant: Variant,
    tokenLifetime?: number,
  ): Promise<{ client: Redis; options: ConfiguredRedisOptions }> {
    const lifetime = tokenLifetime === undefined ? {} : { tokenLifetime };
    const options = await cache.configure({ credential: cache.azure.credential(lifetime) });
    return { client: await cache.connect(variant, options), options };
  }

  async function restrict({ authenticator }: ConfiguredRedisOptions, ...rules: string[]): Promise<void> {
    await cache.azure.server.call('ACL', 'SETUSER', authenticator.username, ...rules);
  }

  async function publish(...channels: string[]): Promise<void> {
    for (const channel of channels) await cache.azure.server.call('PUBLISH', channel, '');
  }

  async function publishUntilReceived(received: ReadonlySet<string>, ...channels: string[]): Promise<void> {
    await until(async () => {
      await publish(...channels);
      return channels.every((channel) => received.has(channel));
    });
  }

  for (const variant of VARIANTS) {
    describe(`of ${variant.name}`, () => {
      it('are restored but for the refused ones, which are reported and tried again', async () => {
        const { client, options } = await start(variant);
        await client.subscribe('news', 'weather');
        await client.psubscribe('user.*');
        const refused = refusal(client);
        // The server closes the connections of a user that loses a channel.
        await restrict(options, 'resetchannels', '&weather', '&user.*');
        const error = await refused;
        expect(error.message).to.match(/^The cache refused to subscribe to "news": NOPERM /);
        expect(error.hint).to.include('access policy');
        expect(error.cause).to.be.instanceOf(Error);

        const received = receive(client);
        await publishUntilReceived(received, 'weather', 'user.7');
        expect([...received]).not.to.include('news');
        await restrict(options, 'allchannels');
        await publishUntilReceived(received, 'news');
      });

      it('remain wanted when another connection follows, until the application unsubscribes', async () => {
        // Long enough that no connection is replaced: ioredis forgets the channels if it unsubscribes from one before the
        // server has accepted any.
        const { client, options } = await start(variant, 60_000);
        await client.subscribe('news', 'weather', 'sports');
        const refusedOnce = refusal(client);
        await restrict(options, 'resetchannels', '&weather');
        await refusedOnce;
        await client.unsubscribe('sports');
        const refusedAgain = nextWhere<Error>(client, 'error', ({ message }) => message.includes('"news": '));
        cache.azure.dropConnections();
        await refusedAgain;
      });
    });
  }

  for (const variant of RESP2_VARIANTS) {
    it(`of ${variant.name} are not reported as restored while the server refuses one`, async () => {
      const { client, options } = await start(variant);
      const { authenticator } = options;
      await client.subscribe('news');
      await client.psubscribe('user.*');
      const recycled: Recycled[] = [];
      authenticator.on('recycled', (event) => recycled.push(event));
      const refused = refusal(client);
      await restrict(options, '-psubscribe');
      expect((await refused).message).to.include('"user.*"');
      await past(authenticator.expiresOn);
      expect(recycled).to.deep.equal([]);
      await restrict(options, '+psubscribe');
      await until(() => recycled.length > 0);
      await publishUntilReceived(receive(client), 'user.7');
    });
  }
});

describe('the subscriptions of a cluster, refused by its servers,', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 2 } });
  forbidUnhandledRejections();

  async function restrict(username: string, ...rules: string[]): Promise<void> {
    for (const { server } of cache.cluster.nodes) await server.call('ACL', 'SETUSER', username, ...rules);
  }

  for (const variant of SHARDED_VARIANTS) {
    it(`are reported and tried again with ${variant.name}`, async () => {
      const { cluster, options } = await cache.connect(variant, { cluster: { shardedSubscribers: true } });
      const { username } = options.redisOptions.authenticator;
      await cluster.subscribe('news');
      await cluster.psubscribe('user.*');
      await cluster.ssubscribe('shard');
      const refusals = Promise.all(
        ['news', 'user.*', 'shard'].map((name) =>
          nextWhere<Error>(cluster, 'error', ({ message }) => message.includes(`"${name}"`)),
        ),
      );
      await restrict(username, '-subscribe', '-psubscribe', '-ssubscribe');
      cache.azure.dropConnections();
      await refusals;

      const received = receive(cluster as unknown as Redis);
      await restrict(username, '+subscribe', '+psubscribe', '+ssubscribe');
      const owner = await cache.cluster.masterOf(await cache.cluster.slotOf('shard'));
      await until(async () => {
        await owner.server.call('PUBLISH', 'news', '');
        await owner.server.call('PUBLISH', 'user.7', '');
        await owner.server.call('SPUBLISH', 'shard', '');
        await sleep(20);
        return received.size === 3;
      });
    });
  }
});
