/** Serves the metrics of two clients to Prometheus. `npm run sample:opentelemetry -- --help` shows the options. */
import { setTimeout as sleep } from 'node:timers/promises';
import { metrics, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions } from 'ioredis-azure';
import { parseFlags, parseInteger, runProgram, UsageError } from '../shared/command-line.js';
import { stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { instrumentIoredisAzure, observeAuthenticator } from './telemetry.js';

const USAGE = `Usage: npm run sample:opentelemetry -- [--listen PORT] [--spans] ${TARGET_USAGE}`;
const INTERVAL = 100;

await runProgram(USAGE, async () => {
  const { listen, spans, ...flags } = parseFlags({
    ...TARGET_FLAGS,
    listen: { type: 'string', default: '9464' },
    spans: { type: 'boolean', default: false },
  });
  const port = parseInteger('--listen', listen, 1, 65_535);
  const stop = stopSignal();

  const exporter = new PrometheusExporter({ port, host: 'localhost', preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: spans ? [new SimpleSpanProcessor(new ConsoleSpanExporter())] : [],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  instrumentIoredisAzure();
  try {
    await exporter.startServer().catch((error: unknown) => {
      throw new UsageError(`--listen: ${error instanceof Error ? error.message : String(error)}.`);
    });
    await using target = await openTarget(flags);
    console.log(
      `Metrics of clients of ${target.description}: http://localhost:${port}/metrics. Ctrl+C ends it.`,
    );
    await runClients(target.options, stop);
  } finally {
    // Each exports what it holds.
    await meterProvider.shutdown();
    await tracerProvider.shutdown();
  }
});

async function runClients(target: ConfigureForAzureOptions, stop: AbortSignal): Promise<void> {
  const options = await configureForAzure({ ...target, commandTimeout: 5_000 });
  const stopObserving = observeAuthenticator(options.authenticator);
  const redis = new Redis(options);
  const subscriber = redis.duplicate();
  for (const client of [redis, subscriber]) {
    // ioredis reconnects by itself; the metrics show for how long.
    client.on('error', (error) => {
      console.warn(`Redis connection failed: ${error.message}`);
    });
  }
  try {
    await subscriber.subscribe('opentelemetry-sample');
    while (!stop.aborted) {
      await redis.publish('opentelemetry-sample', 'tick').catch((error: unknown) => {
        console.warn(`Not published: ${String(error)}`);
      });
      await sleep(INTERVAL, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    stopObserving();
    await Promise.all([redis.quit(), subscriber.quit()]);
  }
}
