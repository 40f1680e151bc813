import { tracingChannel } from 'node:diagnostics_channel';
import { metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { configureForAzure, type ReauthenticationTrace, type TokenRefreshTrace } from '../lib/index.js';
import { AzureRedisEmulator } from '../emulator/index.js';
import { instrumentIoredisAzure } from '../samples/opentelemetry/telemetry.js';
import { rejection } from './support/rejection.js';
import { next } from './support/waiting.js';

interface Heard<Trace> {
  readonly event: string;
  readonly trace: Trace;
}

/** Listens to a tracing channel until `stop` is called. */
function listen<Trace extends object>(name: string): { heard: Heard<Trace>[]; stop: () => void } {
  const heard: Heard<Trace>[] = [];
  const note =
    (event: string) =>
    (message: Trace): void => {
      heard.push({ event, trace: { ...message } });
    };
  const subscribers = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  };
  const channel = tracingChannel<unknown, Trace>(name);
  channel.subscribe(subscribers);
  return {
    heard,
    stop: () => {
      channel.unsubscribe(subscribers);
    },
  };
}

describe('the diagnostics channels', () => {
  let azure: AzureRedisEmulator;
  let redis: Redis | undefined;

  beforeEach(async () => {
    azure = await AzureRedisEmulator.start({ tokenLifetime: 5_000 });
    redis = undefined;
  });

  afterEach(async () => {
    redis?.disconnect();
    await azure.stop();
  });

  it('trace each token request: user name, expiry, duration, error', async () => {
    const { heard, stop } = listen<TokenRefreshTrace>('ioredis-azure:token-refresh');
    const { authenticator } = await configureForAzure(azure.options);
    expect(heard.map(({ event }) => event)).to.deep.equal(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(heard[0]?.trace).to.deep.equal({});
    expect(heard.at(-1)?.trace.username).to.equal(authenticator.username);
    expect(heard.at(-1)?.trace.expiresOn).to.deep.equal(authenticator.expiresOn);
    expect(heard.at(-1)?.trace.duration).to.be.within(0, 60_000);

    azure.identityDown();
    const failure = await rejection(authenticator.refresh());
    stop();
    expect(heard.slice(4).map(({ event }) => event)).to.deep.equal([
      'start',
      'end',
      'error',
      'asyncStart',
      'asyncEnd',
    ]);
    expect(heard.at(-1)?.trace).to.include({ username: authenticator.username, error: failure });
    expect(heard.at(-1)?.trace.expiresOn).to.equal(undefined);
  });

  it('trace each re-authentication: user name, endpoint, expiry, duration, error', async () => {
    const { heard, stop } = listen<ReauthenticationTrace>('ioredis-azure:reauthentication');
    const { authenticator, ...options } = await configureForAzure(azure.options);
    redis = new Redis(options);
    await redis.ping();
    expect(heard).to.deep.equal([]);
    const reauthenticated = next(authenticator, 'reauthenticated');
    await authenticator.refresh();
    await reauthenticated;
    expect(heard.map(({ event }) => event)).to.deep.equal(['start', 'end', 'asyncStart', 'asyncEnd']);
    const expected = {
      username: authenticator.username,
      endpoint: `localhost:${azure.port}`,
    };
    expect(heard[0]?.trace).to.include(expected);
    expect(heard.at(-1)?.trace.expiresOn).to.deep.equal(authenticator.expiresOn);
    expect(heard.at(-1)?.trace.duration).to.be.within(0, 60_000);

    azure.refuseLogins();
    const failed = next(authenticator, 'reauthenticationFailed');
    await authenticator.refresh();
    await failed;
    stop();
    expect(heard.slice(4, 7).map(({ event }) => event)).to.deep.equal(['start', 'end', 'error']);
    expect(heard[6]?.trace).to.include(expected);
    expect(heard[6]?.trace.error).to.include({ code: 'WRONGPASS' });
  });

  it('become OpenTelemetry spans and metrics in the sample', async () => {
    const spanExporter = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(spanExporter)],
    });
    const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const meterProvider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({ exporter: metricExporter })],
    });
    trace.setGlobalTracerProvider(tracerProvider);
    metrics.setGlobalMeterProvider(meterProvider);
    try {
      instrumentIoredisAzure();
      const { authenticator, ...options } = await configureForAzure(azure.options);
      redis = new Redis(options);
      await redis.ping();
      const reauthenticated = next(authenticator, 'reauthenticated');
      await authenticator.refresh();
      await reauthenticated;
      azure.identityDown();
      await rejection(authenticator.refresh());

      await meterProvider.forceFlush();
      const spans = spanExporter.getFinishedSpans();
      expect(spans.map(({ name }) => name)).to.deep.equal([
        'ioredis-azure token-refresh',
        'ioredis-azure token-refresh',
        'ioredis-azure reauthentication',
        'ioredis-azure token-refresh',
      ]);
      expect(spans[2]?.attributes).to.deep.equal({
        'enduser.id': authenticator.username,
        'server.address': `localhost:${azure.port}`,
      });
      expect(spans[3]?.attributes['error.type']).to.equal('AzureRedisError');
      const recorded = metricExporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? [];
      expect(recorded.map(({ descriptor: { name, unit } }) => ({ name, unit }))).to.deep.equal([
        { name: 'ioredis_azure.token_refresh.duration', unit: 's' },
        { name: 'ioredis_azure.reauthentication.duration', unit: 's' },
      ]);
    } finally {
      trace.disable();
      metrics.disable();
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    }
  });
});
