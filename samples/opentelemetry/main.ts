/**
 * Prints the spans and metrics of a client that lives through two token expiries.
 *
 *   npm run sample:opentelemetry
 */
import { once } from 'node:events';
import { metrics, trace } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Redis } from 'ioredis';
import { configureForAzure } from 'ioredis-azure';
import { AzureRedisEmulator } from 'ioredis-azure/emulator';
import { instrumentIoredisAzure } from './telemetry.js';

const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
const meterProvider = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() })],
});
trace.setGlobalTracerProvider(tracerProvider);
metrics.setGlobalMeterProvider(meterProvider);
instrumentIoredisAzure();

const azure = await AzureRedisEmulator.start({ tokenLifetime: 3_000 });
const options = await configureForAzure(azure.options);
const redis = new Redis(options);
await redis.ping();
for (let expiries = 0; expiries < 2; expiries += 1) await once(options.authenticator, 'reauthenticated');

redis.disconnect();
await azure.stop();
await meterProvider.shutdown();
await tracerProvider.shutdown();
