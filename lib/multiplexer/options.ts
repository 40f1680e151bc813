import type { ClusterOptions } from 'ioredis';
import { azureEndpoint } from '../configure/azure-endpoints.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../configure/options.js';

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

/** Separates the multiplexer's own options from those of its clients. */
export function splitOptions(options: MultiplexerOptions): {
  cluster: ClusterOptions | undefined;
  maintenanceEvents: boolean;
  clientOptions: ConfigureForAzureOptions;
} {
  const { cluster, maintenanceEvents, ...clientOptions } = options;
  const { host = '' } = clientOptions;
  return {
    cluster,
    maintenanceEvents: maintenanceEvents ?? azureEndpoint(host)?.announcesMaintenance ?? false,
    clientOptions,
  };
}
