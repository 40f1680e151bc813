import type { ClusterOptions } from 'ioredis';
import { azureEndpoint } from '../configure/azure-endpoints.js';
import { checkClusterOptions } from '../configure/cluster.js';
import { checkOptions } from '../configure/configure.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../configure/options.js';
import { assertOption } from '../validation.js';

/** The options that are the multiplexer's own. */
export interface MultiplexerSettings {
  /**
   * Makes `interactive` an ioredis `Cluster` with these options, for a cache with the OSS cluster policy; may be `{}`.
   * Default: one connection to the host.
   */
  cluster?: ClusterOptions | undefined;
  /**
   * Whether to subscribe to Azure's maintenance events. Default: if the host is one of Azure Cache for Redis, the only
   * service that publishes them.
   */
  maintenanceEvents?: boolean | undefined;
}

/** The options of `Multiplexer.connect()`: the options or the result of `configureForAzure()`, and the multiplexer's own options. */
export type MultiplexerOptions = (ConfigureForAzureOptions | ConfiguredRedisOptions) & MultiplexerSettings;

/**
 * Separates the multiplexer's own options from those of its clients.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function splitOptions(options: MultiplexerOptions): {
  cluster: ClusterOptions | undefined;
  maintenanceEvents: boolean;
  clientOptions: ConfigureForAzureOptions;
} {
  checkOptions(options);
  const { cluster, maintenanceEvents, ...clientOptions } = options;
  checkClusterOptions(cluster);
  assertOption(
    maintenanceEvents === undefined || typeof maintenanceEvents === 'boolean',
    'maintenanceEvents',
    maintenanceEvents,
    'true or false',
  );
  return {
    cluster,
    maintenanceEvents: maintenanceEvents ?? announcesMaintenance(clientOptions.host),
    clientOptions,
  };
}

/** `configureForAzure()` checks the host later. */
function announcesMaintenance(host: unknown): boolean {
  return typeof host === 'string' && azureEndpoint(host)?.announcesMaintenance === true;
}
