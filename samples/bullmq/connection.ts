import type { ConnectionOptions } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import {
  configureClusterForAzure,
  configureForAzure,
  type Authenticator,
  type ConfigureForAzureOptions,
} from 'ioredis-azure';
import { closeClient } from '../shared/close-client.js';

/** The connection of queues, workers and queue events, and a client for the sample itself. */
export interface Connection extends AsyncDisposable {
  readonly authenticator: Authenticator;
  /** The option `connection` of BullMQ. */
  readonly connection: ConnectionOptions;
  readonly client: Redis | Cluster;
}

/** One cache: BullMQ creates its clients from the options. */
export async function connect(target: ConfigureForAzureOptions): Promise<Connection> {
  const options = await configureForAzure(target);
  return connectionOf(options.authenticator, options as ConnectionOptions, new Redis(options));
}

/** A cluster: BullMQ duplicates the client. */
export async function connectCluster(target: ConfigureForAzureOptions): Promise<Connection> {
  // BullMQ requires that commands wait for a connection without a limit.
  const [nodes, options] = await configureClusterForAzure({ ...target, maxRetriesPerRequest: null });
  const cluster = new Cluster(nodes, options);
  return connectionOf(options.redisOptions.authenticator, cluster, cluster);
}

function connectionOf(
  authenticator: Authenticator,
  connection: ConnectionOptions,
  client: Redis | Cluster,
): Connection {
  // ioredis reconnects automatically.
  client.on('error', (error: Error) => {
    console.warn(`Redis connection failed: ${error.message}`);
  });
  return {
    authenticator,
    connection,
    client,
    [Symbol.asyncDispose]: () => closeClient(client),
  };
}
