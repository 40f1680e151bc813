import type { ClusterOptions } from 'ioredis';
import { azureEndpoint } from '../configure/azure-caches.js';
import { checkOptions } from '../configure/configure.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../configure/options.js';
import { assertOption, kindOf } from '../validation.js';
import type { ConnectionName } from './events.js';

/** The options that are the multiplexer's own. */
export interface MultiplexerSettings {
  /**
   * Whether the cache is a cluster (OSS cluster policy, or a clustered Premium cache), for which `interactive` is an ioredis
   * `Cluster`, with these options. Default: the first connection finds out.
   */
  cluster?: boolean | ClusterOptions | undefined;
  /**
   * Whether to subscribe to Azure's maintenance events. Default: if the host is one of Azure Cache for Redis, the only
   * service that publishes them.
   */
  maintenanceEvents?: boolean | undefined;
}

/** The options of `Multiplexer.connect()`: the options or the result of `configureForAzure()`, and the multiplexer's own options. */
export type MultiplexerOptions = (ConfigureForAzureOptions | ConfiguredRedisOptions) & MultiplexerSettings;

/**
 * The state of a multiplexer: `ready` when all of its connections are; `reconnecting` while one is being replaced; `degraded`
 * while the cache refuses a subscription that it had permitted, which is tried again; `closing` and `closed` once `close()`
 * has been called, or ioredis has given up the interactive connection.
 */
export type MultiplexerStatus = 'ready' | 'reconnecting' | 'degraded' | 'closing' | 'closed';

/** A snapshot of a multiplexer's connection. */
export interface MultiplexerConnection {
  /** Which of the connections it is. */
  readonly name: ConnectionName;
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** ioredis' status of the client: `ready` when it can be used. */
  readonly status: string;
}

/** Counters of a multiplexer, since it was connected. */
export interface MultiplexerStatistics {
  /** How many commands of the interactive connection await their replies, or a connection. */
  readonly commandsInFlight: number;
  /** How often a lost connection was restored. */
  readonly reconnects: number;
  /** How often a subscriber connection was replaced while its predecessor still delivered messages. */
  readonly handovers: number;
  /** How many messages were delivered to subscriptions. */
  readonly messages: number;
  /** How many channels and patterns the cache refuses now, though subscriptions use them. They are tried again. */
  readonly missingSubscriptions: number;
}

/**
 * Separates the multiplexer's own options from those of its clients.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function splitOptions(options: MultiplexerOptions): {
  cluster: boolean | ClusterOptions | undefined;
  maintenanceEvents: boolean;
  clientOptions: ConfigureForAzureOptions;
} {
  checkOptions(options);
  const { cluster, maintenanceEvents, ...clientOptions } = options;
  const isObject = typeof cluster === 'object' && !Array.isArray(cluster) && (cluster as unknown) !== null;
  assertOption(
    cluster === undefined || typeof cluster === 'boolean' || isObject,
    'cluster',
    cluster,
    'true, false or an object of cluster options',
    { got: kindOf(cluster) },
  );
  assertOption(
    maintenanceEvents === undefined || typeof maintenanceEvents === 'boolean',
    'maintenanceEvents',
    maintenanceEvents,
    'true or false',
  );
  // `configureForAzure()` checks the host later.
  const { host }: { readonly host?: unknown } = clientOptions;
  const isAnnounced = typeof host === 'string' && azureEndpoint(host)?.announcesMaintenance === true;
  return { cluster, maintenanceEvents: maintenanceEvents ?? isAnnounced, clientOptions };
}
