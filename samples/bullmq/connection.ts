import type { ConnectionOptions } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import {
  configureClusterForAzure,
  configureForAzure,
  type Authenticator,
  type ConfigureForAzureOptions,
} from 'ioredis-azure';

/** What queues, workers and queue events connect with, and a client of the sample's own. */
export interface Connection extends AsyncDisposable {
  readonly authenticator: Authenticator;
  /** For `connection` of BullMQ. */
  readonly connection: ConnectionOptions;
  readonly client: Redis | Cluster;
}

/** One cache: BullMQ creates its clients from the options. */
export async function connect(target: ConfigureForAzureOptions): Promise<Connection> {
  const options = await configureForAzure(target);
  return connectionOf(options.authenticator, options as ConnectionOptions, new Redis(options));
}

/** A cluster: BullMQ duplicates the client that it is given. */
export async function connectCluster(target: ConfigureForAzureOptions): Promise<Connection> {
  // BullMQ demands that commands wait for a connection, however long that takes.
  const [nodes, options] = await configureClusterForAzure({ ...target, maxRetriesPerRequest: null });
  const cluster = new Cluster(nodes, options);
  return connectionOf(options.redisOptions.authenticator, cluster, cluster);
}

function connectionOf(
  authenticator: Authenticator,
  connection: ConnectionOptions,
  client: Redis | Cluster,
): Connection {
  // ioredis reconnects by itself, so an error is reported and ends nothing.
  client.on('error', (error: Error) => {
    console.warn(`Redis connection failed: ${error.message}`);
  });
  return {
    authenticator,
    connection,
    client,
    [Symbol.asyncDispose]: async () => {
      await client.quit();
    },
  };
}
