import type { ClusterOptions } from 'ioredis';
import { assertOption, isText } from '../validation.js';
import { azureEndpoint } from '../configure/azure-endpoints.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../configure/options.js';
import type { MessageListener, SubscribeOptions } from './subscription.js';

/** The options that are the multiplexer's own. */
export interface MultiplexerSettings {
  /**
   * Makes `interactive` an ioredis `Cluster` with these options, for a cache with the OSS cluster policy; `{}` will do.
   * Default: one connection to the host.
   */
  cluster?: ClusterOptions | undefined;
  /**
   * Whether Azure's notices of maintenance are listened to. Default: if the host is one of Azure Cache for Redis, the
   * only service that sends them.
   */
  maintenanceEvents?: boolean | undefined;
}

/** What `Multiplexer.connect()` takes: what `configureForAzure()` takes or returned, and the multiplexer's own options. */
export type MultiplexerOptions = (ConfigureForAzureOptions | ConfiguredRedisOptions) & MultiplexerSettings;

export const DEFAULT_BUFFER_SIZE = 1_000;

/** Takes the multiplexer's own options apart from those of its clients. */
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

/** What `subscribe()` and its like are given, in order. */
export interface SubscribeArguments {
  readonly names: readonly string[];
  readonly listener: MessageListener<string | Buffer> | undefined;
  readonly buffers: boolean;
  readonly bufferSize: number;
}

/**
 * Tells apart and checks what a method that subscribes was given.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function subscribeArguments(
  channels: string | readonly string[],
  listenerOrOptions: unknown,
  maybeOptions: SubscribeOptions | undefined,
): SubscribeArguments {
  const names = [...new Set(typeof channels === 'string' ? [channels] : channels)];
  assertOption(
    names.length > 0 && names.every(isText),
    'channels',
    channels,
    'a non-empty string, or an array of them',
  );
  const isOptions = typeof listenerOrOptions === 'object' && listenerOrOptions !== null;
  const options = isOptions ? (listenerOrOptions as SubscribeOptions) : maybeOptions;
  const listener = isOptions ? undefined : listenerOrOptions;
  assertOption(listener === undefined || typeof listener === 'function', 'listener', listener, 'a function');
  const { buffers = false, bufferSize = DEFAULT_BUFFER_SIZE } = options ?? {};
  assertOption(bufferSize >= 1, 'bufferSize', bufferSize, 'a number from 1');
  return {
    names,
    // The overloads of the public methods say which payload goes with which options.
    listener: listener as MessageListener<string | Buffer> | undefined,
    buffers,
    bufferSize,
  };
}
