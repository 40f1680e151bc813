/** A cluster client, and what one refresh costs by the number of nodes. */
import { Cluster } from 'ioredis';
import type { Authenticator } from '../../lib/index.js';
import type { CacheAddress } from '../cache.js';
import { configureClusterForAzure } from '../package.js';
import { azureOptions } from '../peers/ioredis.js';
import { serve } from '../remote.js';

/** Enough that each node serves some. */
const KEYS = 1_000;

let cluster: Cluster | undefined;
let authenticator: Authenticator | undefined;

await serve({
  /** The number of connections. */
  async connect({ cache }: { cache: CacheAddress }): Promise<number> {
    const [nodes, options] = await configureClusterForAzure(
      azureOptions({ peer: 'ioredis-azure', ioredis: 6, protocol: 3, cache }),
    );
    cluster = new Cluster(nodes, options);
    cluster.on('error', () => undefined);
    authenticator = (options.redisOptions as { authenticator?: Authenticator }).authenticator;
    for (let key = 0; key < KEYS; key += 1) await cluster.set(`key:${key}`, key);
    return connections().length;
  },
  /** Resolves when every connection is logged in with the next token. */
  async refresh() {
    const owner = authenticator;
    if (!owner) throw new Error('not connected');
    await owner.refresh();
    const isDone = (): boolean =>
      connections().every(({ expiresOn }) => expiresOn?.getTime() === owner.expiresOn.getTime());
    while (!isDone()) await new Promise((resolve) => owner.once('reauthenticated', resolve));
  },
  close() {
    cluster?.disconnect();
    authenticator?.close();
  },
});

function connections(): Authenticator['connections'] {
  return authenticator?.connections.filter(({ status }) => status === 'ready') ?? [];
}
