/**
 * A service that limits the rate of requests, across all of its processes.
 *
 *   npm run sample:rate-limit
 *   npm run sample:rate-limit -- --host my-cache.westeurope.redis.azure.net --points 100 --duration 60
 */
import { Redis } from 'ioredis';
import { configureForAzure } from 'ioredis-azure';
import { parseFlags, parseInteger, runProgram } from '../shared/command-line.js';
import { HttpServer } from '../shared/http-server.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { reportEvents } from '../shared/report-events.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { createApp } from './app.js';
import { createLimiter } from './limiter.js';

const USAGE = `Usage: npm run sample:rate-limit -- ${TARGET_USAGE} ${LISTEN_USAGE} [--points N] [--duration SECONDS] [--cache-timeout MS] [--proxies N]`;

await runProgram(USAGE, async () => {
  const flags = parseFlags({
    ...TARGET_FLAGS,
    ...LISTEN_FLAGS,
    points: { type: 'string', default: '10' },
    duration: { type: 'string', default: '10' },
    'cache-timeout': { type: 'string', default: '250' },
    proxies: { type: 'string', default: '0' },
  });
  const port = listenPort(flags);
  const points = parseInteger('--points', flags.points, 1, 1_000_000);
  const duration = parseInteger('--duration', flags.duration, 1, 86_400);
  const commandTimeout = parseInteger('--cache-timeout', flags['cache-timeout'], 1, 60_000);
  const proxies = parseInteger('--proxies', flags.proxies, 0, 10);
  const stopping = stopSignal();

  await using target = await openTarget(flags);
  const options = await configureForAzure({
    ...target.options,
    connectionName: 'rate-limit-sample',
    commandTimeout,
    // A request whose connection is lost is counted in this process, not sent again: it may have been counted.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
  });
  reportEvents(options.authenticator);
  const redis = new Redis(options);
  reportConnection(redis);

  const limiter = createLimiter(redis, { points, duration });
  const server = await HttpServer.listen(createApp({ limiter, proxies }), { port });
  console.log(
    `${server.url}/api/time answers ${points} requests in ${duration} s, counted in ${target.description}.`,
  );

  await aborted(stopping);
  await server.close();
  redis.disconnect();
});

/** Says where requests are counted, whenever that changes. */
function reportConnection(redis: Redis): void {
  let isConnected = false;
  redis.on('ready', () => {
    isConnected = true;
    console.log('Requests are counted in the cache.');
  });
  redis.on('reconnecting', () => {
    if (!isConnected) return;
    isConnected = false;
    console.log('Requests are counted in this process: there is no connection to the cache.');
  });
  redis.on('error', (error) => {
    console.error(error.message);
  });
}
