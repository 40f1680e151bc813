/** Serves counters from Redis. `npm run sample:fastify -- --help` shows the options. */
import { configureForAzure } from 'ioredis-azure';
import { parseFlags, runProgram, UsageError } from '../shared/command-line.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { reportStatistics } from '../shared/report-statistics.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { createApp } from './app.js';

const USAGE = `Usage: npm run sample:fastify -- ${TARGET_USAGE} ${LISTEN_USAGE}`;

await runProgram(USAGE, async () => {
  const flags = parseFlags({ ...TARGET_FLAGS, ...LISTEN_FLAGS });
  const port = listenPort(flags);
  const stop = stopSignal();

  await using target = await openTarget(flags);
  const redis = await configureForAzure({
    ...target.options,
    connectionName: 'fastify-sample',
    // While the cache is unreachable, a request fails after this time.
    commandTimeout: 2_000,
  });
  const app = await createApp(redis, { logger: { level: 'info' }, requestTimeout: 30_000 });
  try {
    await app.listen({ port }).catch((error: unknown) => {
      throw new UsageError(`--listen: ${error instanceof Error ? error.message : String(error)}.`);
    });
    console.log(
      `Counters in ${target.description}. Try: curl -X POST ${app.listeningOrigin}/counters/visits`,
    );
    await aborted(stop);
  } finally {
    await app.close();
  }
  reportStatistics(target);
});
