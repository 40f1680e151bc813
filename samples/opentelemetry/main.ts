/** Serves the metrics of two clients to Prometheus. `npm run sample:opentelemetry -- --help` shows the options. */
import type { RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { metrics, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions } from 'ioredis-azure';
import { closeClient } from '../shared/close-client.js';
import { parseFlags, runProgram } from '../shared/command-line.js';
import { HttpServer } from '../shared/http-server.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { stopSignal } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { instrumentIoredisAzure, observeAuthenticator } from './telemetry.js';

const USAGE = `Usage: npm run sample:opentelemetry -- [--spans] ${TARGET_USAGE} ${LISTEN_USAGE}`;
const INTERVAL = 100;

await runProgram(USAGE, async () => {
  const { spans, ...flags } = parseFlags({
    ...TARGET_FLAGS,
    ...LISTEN_FLAGS,
    spans: { type: 'boolean', default: false },
  });
  const port = listenPort(flags);
  const stop = stopSignal();

  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: spans ? [new SimpleSpanProcessor(new ConsoleSpanExporter())] : [],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  instrumentIoredisAzure();

  await using target = await openTarget(flags);
  const server = await HttpServer.listen(serveMetrics(exporter), { port });
  try {
    console.log(`Metrics of clients of ${target.description}: ${server.url}/metrics. Ctrl+C ends it.`);
    await runClients(target.options, stop);
  } finally {
    await server.close();
    await meterProvider.shutdown();
    await tracerProvider.shutdown();
  }
});

function serveMetrics(exporter: PrometheusExporter): RequestListener {
  return (request, response) => {
    if (request.method === 'GET' && request.url === '/metrics') {
      exporter.getMetricsRequestHandler(request, response);
    } else {
      response.writeHead(404).end();
    }
  };
}

async function runClients(target: ConfigureForAzureOptions, stop: AbortSignal): Promise<void> {
  const options = await configureForAzure({ ...target, commandTimeout: 5_000 });
  observeAuthenticator(options.authenticator);
  const redis = new Redis(options);
  const subscriber = redis.duplicate();
  for (const client of [redis, subscriber]) {
    // ioredis reconnects automatically; the metrics show how long it takes.
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
    await Promise.all([closeClient(redis), closeClient(subscriber)]);
  }
}
