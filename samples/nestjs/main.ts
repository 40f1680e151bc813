/** Runs the NestJS application. `npm run sample:nestjs -- --help` shows the options. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { parseFlags, runProgram, UsageError } from '../shared/command-line.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { reportStatistics } from '../shared/report-statistics.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { AppModule } from './src/app.module';

const USAGE = `Usage: npm run sample:nestjs -- ${TARGET_USAGE} ${LISTEN_USAGE}`;

void runProgram(USAGE, async () => {
  const flags = parseFlags({ ...TARGET_FLAGS, ...LISTEN_FLAGS });
  const port = listenPort(flags);
  const stop = stopSignal();

  await using target = await openTarget(flags);
  const app = await NestFactory.create(
    // While the cache is unreachable, a request fails after this time.
    AppModule.forRoot(() => ({ ...target.options, commandTimeout: 2_000 })),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class.
    { abortOnError: false },
  );
  try {
    await app.init();
    await app.listen(port).catch((error: unknown) => {
      throw new UsageError(`--listen: ${error instanceof Error ? error.message : String(error)}.`);
    });
    console.log(`Visits in ${target.description}. Try: curl -X POST ${await app.getUrl()}/visits/home`);
    // Without an emulator to stop afterwards, use app.enableShutdownHooks() instead.
    await aborted(stop);
  } finally {
    // Waits for the requests in flight, then runs onApplicationShutdown().
    await app.close();
  }
  reportStatistics(target);
});
