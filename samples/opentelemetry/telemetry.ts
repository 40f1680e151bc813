/**
 * Turns the diagnostics channels of ioredis-azure into OpenTelemetry spans and metrics. Copy it into your application, and
 * call `instrumentIoredisAzure()` once, before `configureForAzure()`; it uses the providers that you have registered.
 *
 * - spans `ioredis-azure token-refresh` and `ioredis-azure reauthentication`
 * - `ioredis_azure.token_refresh.duration` and `ioredis_azure.reauthentication.duration`: histograms in seconds, with the
 *   attribute `error.type` on those that failed
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { metrics, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { ReauthenticationTrace, TokenRefreshTrace } from 'ioredis-azure';

type Trace = TokenRefreshTrace | ReauthenticationTrace;

export function instrumentIoredisAzure(): void {
  instrument('token-refresh', 'token_refresh');
  instrument('reauthentication', 'reauthentication');
}

/** In seconds. The first attempt to get a token may take 10 s, later ones up to a minute. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function instrument(channel: string, metric: string): void {
  const tracer = trace.getTracer('ioredis-azure');
  const durations = metrics.getMeter('ioredis-azure').createHistogram(`ioredis_azure.${metric}.duration`, {
    unit: 's',
    advice: { explicitBucketBoundaries: BUCKETS },
  });
  const spans = new WeakMap<object, Span>();

  const nothing = (): void => undefined;
  tracingChannel<unknown, Trace>(`ioredis-azure:${channel}`).subscribe({
    start(message) {
      spans.set(message, tracer.startSpan(`ioredis-azure ${channel}`));
    },
    asyncEnd(message) {
      const { duration = 0, error } = message;
      const failure = error instanceof Error ? error : undefined;
      const attributes = { ...attributesOf(message), ...(failure && { 'error.type': failure.name }) };
      durations.record(duration / 1000, attributes);
      const span = spans.get(message);
      span?.setAttributes(attributes);
      if (failure) {
        span?.recordException(failure);
        span?.setStatus({ code: SpanStatusCode.ERROR });
      }
      span?.end();
    },
    end: nothing,
    asyncStart: nothing,
    error: nothing,
  });
}

function attributesOf(message: Trace): Attributes {
  return {
    ...(message.username !== undefined && { 'enduser.id': message.username }),
    ...('endpoint' in message && { 'server.address': message.endpoint }),
  };
}
