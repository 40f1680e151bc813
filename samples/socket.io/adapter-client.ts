import { Redis, type Command } from 'ioredis';
import type { ConfiguredRedisOptions } from 'ioredis-azure';

/** A client for the adapter, which handles no rejection of its commands: an unhandled one would end the process. */
export class AdapterClient extends Redis {
  constructor(options: ConfiguredRedisOptions) {
    // Commands wait for the connection, however long it is lost.
    super({ ...options, replyMapping: 'legacy', maxRetriesPerRequest: null });
  }

  override sendCommand(...args: [command: Command, ...rest: never[]]): unknown {
    args[0].promise.catch(() => undefined);
    return super.sendCommand(...args);
  }
}
