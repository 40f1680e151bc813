/** A service whose reports take two seconds to compute, unless they are cached. */
import { Multiplexer } from 'ioredis-azure';
import { createApp } from './app.js';
import { OutputCache } from './output-cache.js';
import { serve } from './serve.js';
import { start } from './start.js';

const FLAGS = {
  listen: { type: 'string', default: '3000' },
  computation: { type: 'string', default: '2000' }, // How long a report takes, in ms.
} as const;

await start(FLAGS, async ({ options, flags, stopping }) => {
  let multiplexer: Multiplexer | undefined;
  const connect = async () => {
    // A cache that does not answer delays one request for so long, and then none until it answers again.
    multiplexer = await Multiplexer.connect({
      ...options,
      connectionName: 'output-cache-sample',
      commandTimeout: 250,
    });
    multiplexer.on('error', ({ message, hint }) => {
      console.error(message, hint);
    });
    multiplexer.interactive.options.enableOfflineQueue = false;
    return multiplexer.interactive;
  };
  const report = (error?: unknown): void => {
    console.log(
      error === undefined
        ? 'The cache is used.'
        : `Reports are computed without the cache: ${error instanceof Error ? error.message : ''}`,
    );
  };
  try {
    const cache = new OutputCache({ connect, prefix: flags.prefix, report });
    const listening = (url: string): void => {
      console.log(`${url}/reports/sales takes ${flags.computation} ms, unless it is cached.`);
    };
    const app = createApp(cache, Number(flags.computation));
    await serve(app, { port: Number(flags.listen), stopping, listening });
  } finally {
    await multiplexer?.close();
  }
});
