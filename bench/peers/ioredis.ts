import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import type { CacheAddress } from '../cache.js';
import { configureClusterForAzure, configureForAzure, Multiplexer } from '../package.js';
import { IoredisClient } from './ioredis-client.js';
import { credentialOf, objectIdOf, type PeerClient, type PeerSettings } from './peer.js';

const SCOPE = 'https://redis.azure.com/.default';

/** The longest delay of a Node.js timer, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The class of the wanted version. TypeScript takes the classes of two copies of ioredis for two different things. */
export function redisClassOf(version: 5 | 6): typeof Redis {
  return version === 5 ? (Redis5 as unknown as typeof Redis) : Redis;
}

/** What every client of ioredis is given. */
export function endpointOf({ host, port, ca }: CacheAddress): {
  host: string;
  port: number;
  tls?: ConnectionOptions;
} {
  return { host, port, ...(ca !== undefined && { tls: { ca, servername: host } }) };
}

function commonOptions({
  cache,
  protocol,
  ioredis,
  enableAutoPipelining = false,
}: PeerSettings): ReturnType<typeof endpointOf> & { protocol?: 2 | 3; enableAutoPipelining: boolean } {
  return { ...endpointOf(cache), ...(ioredis === 6 && { protocol }), enableAutoPipelining };
}

/** The floor: an access key, which does not expire. */
export async function connectWithKey(settings: PeerSettings): Promise<PeerClient> {
  const Class = redisClassOf(settings.ioredis);
  const options = { ...commonOptions(settings), password: settings.cache.accessKey };
  return connected(new Class(options));
}

/**
 * ioredis with the timer of Microsoft's sample: it requests the next token some time before the expiry, and sends AUTH. The
 * sample keeps the first token as the password for reconnects; most applications set the new one, so this does too.
 * Source: samples/AzureCacheForRedis/ioredis.md of `@azure/identity`, "Using Token Cache".
 */
export async function connectWithTimer(settings: PeerSettings): Promise<PeerClient> {
  const { refreshRatio = 0.95 } = settings;
  const credential = credentialOf(settings.cache);
  let timer: NodeJS.Timeout | undefined;
  const newLogin = async (update: () => Promise<void>): Promise<{ username: string; password: string }> => {
    const accessToken = await credential.getToken(SCOPE);
    if (!accessToken) throw new Error('no token');
    const lifetime = accessToken.expiresOnTimestamp - Date.now();
    timer = setTimeout(
      () => {
        // The sample does not handle a failure: the next command fails.
        update().catch(() => undefined);
      },
      Math.min(LONGEST_TIMER, lifetime * refreshRatio),
    );
    return { username: objectIdOf(accessToken.token), password: accessToken.token };
  };
  const updateToken = async (): Promise<void> => {
    const login = await newLogin(updateToken);
    Object.assign(redis.options, login);
    await redis.auth(login.username, login.password);
  };
  const Class = redisClassOf(settings.ioredis);
  const redis = new Class({ ...commonOptions(settings), ...(await newLogin(updateToken)) });
  return connected(redis, () => {
    clearTimeout(timer);
  });
}

/** This package. */
export async function connectWithAzure(settings: PeerSettings): Promise<PeerClient> {
  if (settings.isCluster) {
    const cluster = new Cluster(...(await configureClusterForAzure(azureOptions(settings))));
    await new Promise<void>((resolve) => cluster.once('ready', resolve));
    return new IoredisClient(cluster);
  }
  const options = await configureForAzure(azureOptions(settings));
  const Class = redisClassOf(settings.ioredis);
  return connected(new Class(options), () => {
    options.authenticator.close();
  });
}

/** The subscriptions of this package's multiplexer. */
export async function connectMultiplexer(
  settings: PeerSettings,
): Promise<Pick<PeerClient, 'subscribe' | 'close'>> {
  const options = azureOptions(settings);
  const multiplexer = settings.isCluster
    ? await Multiplexer.connect({ ...options, cluster: {} })
    : await Multiplexer.connect(options);
  multiplexer.on('error', () => undefined);
  return {
    subscribe: (channel, listener) =>
      multiplexer.subscribe(channel, (message) => {
        listener(message);
      }),
    close: () => multiplexer.close(),
  };
}

/** What {@link configureForAzure} is given. */
export function azureOptions(settings: PeerSettings) {
  const { cache, refreshRatio, protocol, enableAutoPipelining = false } = settings;
  const { host, port, ca } = cache;
  return {
    host,
    port,
    tls: ca === undefined ? (false as const) : { ca },
    credential: credentialOf(cache),
    protocol,
    enableAutoPipelining,
    ...(refreshRatio !== undefined && { expirationRefreshRatio: refreshRatio }),
  };
}

async function connected(client: Redis, onClose?: () => void): Promise<PeerClient> {
  const peer = new IoredisClient(client, onClose);
  await client.ping();
  return peer;
}
