/** Visits of pages, counted behind Fastify and @fastify/redis. */
import { Multiplexer } from 'ioredis-azure';
import { createApp } from './app.js';
import { start } from './start.js';

await start({ listen: { type: 'string', default: '3000' } }, async ({ options, flags, stopping }) => {
  await using multiplexer = await Multiplexer.connect({ ...options, commandTimeout: 2_000 });
  // Without a connection a request fails at once: on a cluster, `commandTimeout` does not limit the wait for one.
  multiplexer.interactive.options.enableOfflineQueue = false;
  const app = await createApp(multiplexer, flags.prefix, { logger: true, requestTimeout: 30_000 });
  stopping.addEventListener('abort', () => void app.close());
  const closed = new Promise<void>((resolve) => {
    // The last requests have been answered.
    app.addHook('onClose', (_app, done) => {
      done();
      resolve();
    });
  });
  // Fastify's own default is loopback, which nothing outside a container reaches.
  await app.listen({ host: '::', port: Number(flags.listen) });
  await closed;
});
