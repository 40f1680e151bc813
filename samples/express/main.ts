/** An Express 5 service on one multiplexer, which is opened at start-up and closed after the last response. */
import { Multiplexer } from 'ioredis-azure';
import { pino } from 'pino';
import { createApp } from './app.js';
import { serve } from './serve.js';
import { start } from './start.js';

await start({ listen: { type: 'string', default: '3000' } }, async ({ options, flags, stopping }) => {
  const log = pino();
  await using multiplexer = await Multiplexer.connect({
    ...options,
    connectionName: 'express-sample',
    // A command that is not answered in this time has failed, for example while Azure replaces a node.
    commandTimeout: 5_000,
  });
  // Without a connection a request fails at once: it waits for none, and does not fill the memory with others.
  multiplexer.interactive.options.enableOfflineQueue = false;

  const { authenticator } = multiplexer;
  multiplexer.on('connectionLost', (event) => {
    log.warn(event, 'connection lost');
  });
  multiplexer.on('connectionRestored', (event) => {
    log.info(event, 'connection restored');
  });
  multiplexer.on('error', ({ code, hint, message }) => {
    log.error({ code, hint }, message);
  });
  authenticator.on('reauthenticated', (event) => {
    log.info(event, 're-authenticated');
  });
  authenticator.on('tokenRefreshFailed', ({ error: { code, hint, message }, expiresOn }) => {
    log.error({ code, hint, expiresOn }, message);
  });

  const app = createApp({ multiplexer, prefix: flags.prefix, log, stopping });
  const listening = (url: string): void => {
    log.info({ url, isCluster: multiplexer.isCluster }, 'listening');
  };
  await serve(app, { port: Number(flags.listen), stopping, listening });
  log.info('stopped');
});
