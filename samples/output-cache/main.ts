/**
 * A service whose slow responses are cached in Redis, for all of its processes.
 *
 *   npm run sample:output-cache
 *   npm run sample:output-cache -- --host my-cache.westeurope.redis.azure.net --listen 3001
 */
import { AzureRedisError, Multiplexer } from 'ioredis-azure';
import { parseFlags, parseInteger, runProgram } from '../shared/command-line.js';
import { HttpServer } from '../shared/http-server.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { reportEvents } from '../shared/report-events.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { createApp } from './app.js';
import { OutputCache } from './cache/output-cache.js';
import { Reports } from './reports.js';

const USAGE = `Usage: npm run sample:output-cache -- ${TARGET_USAGE} ${LISTEN_USAGE} [--cache-timeout MS] [--computation MS]`;

await runProgram(USAGE, async () => {
  const flags = parseFlags({
    ...TARGET_FLAGS,
    ...LISTEN_FLAGS,
    'cache-timeout': { type: 'string', default: '250' },
    computation: { type: 'string', default: '2000' },
  });
  const port = listenPort(flags);
  const commandTimeout = parseInteger('--cache-timeout', flags['cache-timeout'], 1, 60_000);
  const reports = new Reports(parseInteger('--computation', flags.computation, 0, 60_000));
  const stopping = stopSignal();

  await using target = await openTarget(flags);
  const connect = async (): Promise<Multiplexer> => {
    const multiplexer = await Multiplexer.connect({
      ...target.options,
      connectionName: 'output-cache-sample',
      // The longest time that a request loses when the cache fails.
      commandTimeout,
    });
    reportEvents(multiplexer.authenticator);
    return multiplexer;
  };
  const cache = await OutputCache.start(connect, {
    unavailable(error) {
      const hint = error instanceof AzureRedisError ? ` ${error.hint}` : '';
      console.error(
        `The cache is not used: ${error instanceof Error ? error.message : String(error)}${hint}`,
      );
    },
    available() {
      console.log('The cache is used again.');
    },
  });
  const server = await HttpServer.listen(createApp(cache, reports), { port });
  console.log(`${server.url}/reports/sales is cached in ${target.description}.`);

  await aborted(stopping);
  await server.close();
  await cache.close();
});
