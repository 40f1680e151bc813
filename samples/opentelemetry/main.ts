/** Serves the metrics of a multiplexer to Prometheus. */
import type { RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { metrics, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Multiplexer } from 'ioredis-azure';
import { serve } from './serve.js';
import { start } from './start.js';
import { instrumentIoredisAzure, observeAuthenticator } from './telemetry.js';

const FLAGS = {
  listen: { type: 'string', default: '3000' },
  spans: { type: 'boolean' }, // Prints each span.
} as const;

await start(FLAGS, async ({ options, flags, stopping }) => {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: flags.spans ? [new SimpleSpanProcessor(new ConsoleSpanExporter())] : [],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  instrumentIoredisAzure();

  await using multiplexer = await Multiplexer.connect({ ...options, commandTimeout: 5_000 });
  observeAuthenticator(multiplexer.authenticator);
  await multiplexer.subscribe(`${flags.prefix}ticks`, () => undefined);
  const publishTicks = async (): Promise<void> => {
    while (!stopping.aborted) {
      await multiplexer.publish(`${flags.prefix}ticks`, 'tick').catch((error: unknown) => {
        console.warn('Not published:', error);
      });
      await sleep(100, undefined, { signal: stopping }).catch(() => undefined);
    }
  };
  let ticking: Promise<void> | undefined;
  const listening = (url: string): void => {
    console.log(`${url}/metrics`);
    ticking = publishTicks();
  };
  const handler: RequestListener = (request, response) => {
    if (request.url === '/metrics') exporter.getMetricsRequestHandler(request, response);
    else response.writeHead(404).end();
  };
  await serve(handler, { port: Number(flags.listen), stopping, listening });
  await ticking;
  await meterProvider.shutdown();
  await tracerProvider.shutdown();
});
