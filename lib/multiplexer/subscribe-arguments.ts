import { assertOption, isText } from '../validation.js';
import type { MessageListener, PayloadOf, SubscribeOptions } from './subscription.js';

/** The default of `bufferSize`. */
const DEFAULT_BUFFER_SIZE = 1_000;

/**
 * The arguments after the channels of `subscribe()`, `psubscribe()` or `ssubscribe()`: a listener, options, both or none.
 * Options are not callable, which distinguishes the two.
 */
export type SubscribeArguments<Options extends SubscribeOptions> =
  | [options: Options & { readonly call?: never }]
  | [listener?: MessageListener<PayloadOf<Options>>, options?: Options];

/** The arguments of a subscription, validated and completed. */
export interface ParsedSubscribeArguments<Payload extends string | Buffer> {
  readonly names: readonly string[];
  readonly listener: MessageListener<Payload> | undefined;
  readonly buffers: boolean;
  readonly bufferSize: number;
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function parseSubscribeArguments<Options extends SubscribeOptions>(
  channels: string | readonly string[],
  [first, second]: SubscribeArguments<Options>,
): ParsedSubscribeArguments<PayloadOf<Options>> {
  const given = typeof channels === 'string' ? [channels] : channels;
  assertOption(
    Array.isArray(given) && given.length > 0 && given.every(isText),
    'channels',
    channels,
    'a non-empty string, or an array of them',
  );
  const names = [...new Set(given)];
  const [listener, options] = typeof first === 'object' ? [undefined, first] : [first, second];
  assertOption(listener === undefined || typeof listener === 'function', 'listener', listener, 'a function');
  const { buffers = false, bufferSize = DEFAULT_BUFFER_SIZE } = options ?? {};
  assertOption(bufferSize >= 1, 'bufferSize', bufferSize, 'a number from 1');
  return { names, listener, buffers, bufferSize };
}
