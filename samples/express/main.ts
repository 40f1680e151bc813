/**
 * An Express 5 service on one multiplexer, which is opened at start-up and closed after the last response.
 *
 *   npm run sample:express
 *   npm run sample:express -- --host my-cache.westeurope.redis.azure.net
 */
import { Multiplexer } from 'ioredis-azure';
import { pino } from 'pino';
import { parseFlags, runProgram } from '../shared/command-line.js';
import { HttpServer } from '../shared/http-server.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { createApp } from './app.js';
import { logMultiplexer } from './log-multiplexer.js';

await runProgram(`Usage: npm run sample:express -- ${TARGET_USAGE} ${LISTEN_USAGE}`, async () => {
  const flags = parseFlags({ ...TARGET_FLAGS, ...LISTEN_FLAGS });
  const port = listenPort(flags);
  const log = pino();
  const stopping = stopSignal();

  await using target = await openTarget(flags);
  await using multiplexer = await Multiplexer.connect({
    ...target.options,
    connectionName: 'express-sample',
    // A request fails after this time, at the latest, while the cache cannot be reached.
    commandTimeout: 5_000,
    maxRetriesPerRequest: 1,
  });
  logMultiplexer(multiplexer, log);

  const app = createApp({ multiplexer, log, stopping });
  const server = await HttpServer.listen(app, { port });
  log.info({ url: server.url, cache: target.description }, 'listening');

  await aborted(stopping);
  log.info({ signal: String(stopping.reason) }, 'stopping');
  await server.close();
  log.info('stopped');
});
