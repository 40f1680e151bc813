/**
 * OpenTelemetry spans and metrics of ioredis-azure. Copy this file into your application; it uses the providers that you have
 * registered. README.md lists what it records.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { metrics, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { Authenticator, Delivery, ReauthenticationTrace, TokenRefreshTrace } from 'ioredis-azure';

const DELIVERIES: readonly Delivery[] = ['exactly-once', 'at-least-once', 'at-most-once', 'best-effort'];

type Trace = TokenRefreshTrace | ReauthenticationTrace;

/** Records each token request and each re-authentication. Call it once, before `configureForAzure()`. */
export function instrumentIoredisAzure(): void {
  instrument('token-refresh', 'token_refresh', 'The duration of a token request.');
  instrument('reauthentication', 'reauthentication', 'The duration of an AUTH on a live connection.');
}

/**
 * Records the connections and the token of an authenticator, for the life of the process. Call it once for each.
 *
 * The durations of `instrumentIoredisAzure()` count failures too, but such a series starts with its first failure, which
 * `increase()` of Prometheus does not see. These counters start at 0.
 */
export function observeAuthenticator(authenticator: Authenticator): void {
  const meter = metrics.getMeter('ioredis-azure');
  const identity = { 'enduser.id': authenticator.username };

  const remainingLife = meter.createObservableGauge('ioredis_azure.token.remaining_life', {
    unit: 's',
    description: 'The time until the expiry of the current token.',
  });
  remainingLife.addCallback((result) => {
    result.observe((authenticator.expiresOn.getTime() - Date.now()) / 1_000, identity);
  });

  const connections = meter.createObservableGauge('ioredis_azure.connections', {
    description: 'The managed connections, by endpoint and status of ioredis.',
  });
  const counts = new Map<string, { attributes: Attributes; count: number }>();
  connections.addCallback((result) => {
    // The SDK keeps exporting a series that is not observed any more: what has gone is observed as 0.
    for (const entry of counts.values()) entry.count = 0;
    for (const { endpoint, status } of authenticator.connections) {
      const key = `${endpoint} ${status}`;
      const attributes = { ...identity, 'server.address': endpoint, status };
      counts.set(key, { attributes, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    for (const { attributes, count } of counts.values()) result.observe(count, attributes);
  });

  const refreshFailures = meter.createCounter('ioredis_azure.token_refresh.failures', {
    description: 'The token requests that failed.',
  });
  const reauthenticationFailures = meter.createCounter('ioredis_azure.reauthentication.failures', {
    description: 'The AUTH commands on live connections that failed.',
  });
  const replacements = meter.createCounter('ioredis_azure.connection.replacements', {
    description: 'The connections that accepted no AUTH and were replaced.',
  });
  refreshFailures.add(0, identity);
  reauthenticationFailures.add(0, identity);
  for (const delivery of DELIVERIES) replacements.add(0, { ...identity, delivery });
  authenticator.on('tokenRefreshFailed', () => {
    refreshFailures.add(1, identity);
  });
  authenticator.on('reauthenticationFailed', () => {
    reauthenticationFailures.add(1, identity);
  });
  authenticator.on('recycled', ({ delivery }) => {
    replacements.add(1, { ...identity, delivery });
  });
}

/** In seconds. The first attempt to get a token may take 10 s, later ones up to a minute. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function instrument(channel: string, metric: string, description: string): void {
  const tracer = trace.getTracer('ioredis-azure');
  const durations = metrics.getMeter('ioredis-azure').createHistogram(`ioredis_azure.${metric}.duration`, {
    unit: 's',
    description,
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
