/** A service that limits the rate of requests, across all of its processes. */
import { Multiplexer } from 'ioredis-azure';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { createApp } from './app.js';
import { serve } from './serve.js';
import { start } from './start.js';

const FLAGS = {
  listen: { type: 'string', default: '3000' },
  points: { type: 'string', default: '10' }, // How many requests a client may make in a window.
  duration: { type: 'string', default: '10' }, // The length of the window, in s.
  proxies: { type: 'string', default: '0' }, // Of which each adds an address to X-Forwarded-For.
  'cache-timeout': { type: 'string', default: '250' }, // How long a request waits for a cache that does not answer, in ms.
} as const;

await start(FLAGS, async ({ options, flags, stopping }) => {
  await using multiplexer = await Multiplexer.connect({
    ...options,
    connectionName: 'rate-limit-sample',
    commandTimeout: Number(flags['cache-timeout']),
  });
  // Without a connection each process counts for itself, at once.
  multiplexer.interactive.options.enableOfflineQueue = false;
  multiplexer.on('connectionLost', () => {
    console.log('There is no connection to the cache: requests are counted in this process.');
  });
  multiplexer.on('connectionRestored', () => {
    console.log('Requests are counted in the cache.');
  });

  const limit = {
    keyPrefix: `${flags.prefix}rate-limit`,
    points: Number(flags.points),
    duration: Number(flags.duration),
  };
  const limiter = new RateLimiterRedis({
    ...limit,
    storeClient: multiplexer.interactive,
    // A client that has nothing left is refused without asking the cache, which a flood would burden.
    inMemoryBlockOnConsumed: limit.points,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory(limit),
  });
  const listening = (url: string): void => {
    console.log(`${url}/api/time answers ${limit.points} requests in ${limit.duration} s.`);
  };
  await serve(createApp(limiter, Number(flags.proxies)), { port: Number(flags.listen), stopping, listening });
});
