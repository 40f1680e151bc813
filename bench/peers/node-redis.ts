import { EntraIdCredentialsProviderFactory, REDIS_SCOPE_DEFAULT } from '@redis/entraid';
import { createClient, createCluster } from 'redis';
import { credentialOf, type PeerClient, type PeerSettings, type StreamEntry } from './peer.js';

/** node-redis with `@redis/entraid`, as the README of that package shows. */
export async function connectNodeRedis(settings: PeerSettings): Promise<PeerClient> {
  const { host, port, ca } = settings.cache;
  const socket = ca === undefined ? { host, port } : { host, port, tls: true as const, ca, servername: host };
  const client = createClient({ socket, RESP: settings.protocol, credentialsProvider: providerOf(settings) });
  // The commands that it costs are counted.
  client.on('error', () => undefined);
  await client.connect();
  return {
    get: (key) => client.get(key),
    incr: (key) => client.incr(key),
    pipeline(keys) {
      const pipeline = client.multi();
      for (const key of keys) pipeline.get(key);
      return pipeline.execAsPipeline();
    },
    subscribe: (channel, listener) => client.subscribe(channel, listener),
    async pop(queue) {
      return (await client.blPop(queue, 0))?.element;
    },
    async move(source, destination) {
      return (await client.blMove(source, destination, 'LEFT', 'RIGHT', 0)) ?? undefined;
    },
    async readAfter(stream, id) {
      const reply: unknown = await client.xRead({ key: stream, id }, { BLOCK: 0 });
      return entriesIn(reply);
    },
    close() {
      client.destroy();
    },
  };
}

/** The same for a clustered cache. */
export async function connectNodeRedisCluster(
  settings: PeerSettings,
): Promise<Pick<PeerClient, 'subscribe' | 'close'>> {
  const { host, port, ca = '' } = settings.cache;
  const cluster = createCluster({
    rootNodes: [{ socket: { host, port } }],
    RESP: settings.protocol,
    defaults: {
      credentialsProvider: providerOf(settings),
      socket: { tls: true, ca, servername: host },
    },
  });
  cluster.on('error', () => undefined);
  await cluster.connect();
  return {
    subscribe: (channel, listener) => cluster.subscribe(channel, listener),
    close: () => {
      cluster.destroy();
    },
  };
}

function providerOf({
  cache,
  refreshRatio = 0.8,
}: PeerSettings): ReturnType<typeof EntraIdCredentialsProviderFactory.createForDefaultAzureCredential> {
  return EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
    credential: credentialOf(cache),
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig: {
      expirationRefreshRatio: refreshRatio,
      retry: { maxAttempts: 100, initialDelayMs: 100, maxDelayMs: 1_000, backoffMultiplier: 2 },
    },
  });
}

/** The messages of one stream, as node-redis returns them. */
type Messages = readonly { readonly id: string; readonly message: Readonly<Record<string, string>> }[];

/** XREAD is answered with a list over RESP2 and with a map over RESP3; node-redis documents the entries only. */
function entriesIn(reply: unknown): StreamEntry[] {
  const streams = Object.values(reply ?? {}) as (Messages | { readonly messages: Messages })[];
  return streams
    .flatMap((stream) => ('messages' in stream ? stream.messages : stream))
    .map(({ id, message }) => ({ id, value: message['number'] ?? '' }));
}
