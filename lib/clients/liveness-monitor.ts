import { MAX_TIMER_DELAY } from '../timing/timeouts.js';
import { EndpointHealth } from './endpoint-health.js';
import type { ManagedClient } from './managed-client.js';

/** The interval of PINGs on idle connections, and the time for which a connection may be silent, in ms; 0 disables either. */
export interface HeartbeatSettings {
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
}

/** The number of observations of a connection within `heartbeatTimeout`. */
const OBSERVATIONS = 5;

/** The share of `heartbeatTimeout` after which a silent connection is suspected, and the server probed. */
const SUSPICION_SHARE = 1 / 2;

/** The longest `heartbeatTimeout`, and time between two PINGs, while maintenance is announced, in ms. */
const ALERT_TIMEOUT = 2_000;

/**
 * Sends PING on idle connections, and replaces those that do not answer. One timer serves all clients. It reads counters of
 * ioredis and the sockets, so that commands need no additional work.
 */
export class LivenessMonitor {
  readonly #settings: HeartbeatSettings;
  readonly #clients: Iterable<ManagedClient>;
  readonly #health = new Map<string, EndpointHealth>();
  /** Until when maintenance is announced (`performance.now()`), by the name of the cache. */
  readonly #alerts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #observedAt = 0;
  #sincePing = 0;

  constructor(settings: HeartbeatSettings, clients: Iterable<ManagedClient>) {
    this.#settings = settings;
    this.#clients = clients;
  }

  /** Starts the timer; does nothing while it runs. */
  start(): void {
    if (this.#timer || this.#period === MAX_TIMER_DELAY) return;
    this.#observedAt = performance.now();
    this.#sincePing = 0;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const health of this.#health.values()) health.close();
    this.#health.clear();
  }

  /** Shortens the timeout for connections to a cache for this time, in ms. */
  expectMaintenance(cache: string, duration: number): void {
    const until = Math.max(this.#alerts.get(cache) ?? 0, performance.now() + duration);
    this.#alerts.set(cache, until);
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** The shortest `heartbeatTimeout` in force. */
  get #shortestTimeout(): number {
    return this.#timeoutAt(this.#alerts.size > 0);
  }

  #timeoutAt(isAlerted: boolean): number {
    const { heartbeatTimeout } = this.#settings;
    return isAlerted ? Math.min(heartbeatTimeout, ALERT_TIMEOUT) : heartbeatTimeout;
  }

  get #pingInterval(): number {
    const { heartbeatInterval } = this.#settings;
    return this.#alerts.size > 0 ? Math.min(heartbeatInterval, ALERT_TIMEOUT) : heartbeatInterval;
  }

  /** The time between two observations, in ms: the PING interval, divided by a whole number. */
  get #period(): number {
    const observation = this.#shortestTimeout / OBSERVATIONS || MAX_TIMER_DELAY;
    const ping = this.#pingInterval;
    return ping > 0 ? ping / Math.ceil(ping / observation) : observation;
  }

  #schedule(): void {
    const period = this.#period;
    this.#timer = setTimeout(() => {
      // Data that has already arrived is read first.
      setImmediate(() => {
        if (!this.#timer) return;
        this.#observe(period);
        this.#schedule();
      });
    }, period);
    this.#timer.unref();
  }

  #observe(period: number): void {
    const now = performance.now();
    // At most the period: nothing could be read while the event loop was blocked, or the process was suspended.
    const elapsed = Math.min(now - this.#observedAt, period);
    this.#observedAt = now;
    for (const [cache, until] of this.#alerts) if (until <= now) this.#alerts.delete(cache);
    if (this.#settings.heartbeatTimeout > 0) this.#replaceSilent(elapsed, period);
    this.#ping(elapsed);
  }

  #ping(elapsed: number): void {
    this.#sincePing += elapsed;
    const interval = this.#pingInterval;
    // Half a millisecond of tolerance, since periods are not whole numbers.
    if (interval === 0 || this.#sincePing < interval - 0.5) return;
    this.#sincePing = 0;
    for (const client of this.#clients) client.pingIfIdle();
  }

  #replaceSilent(elapsed: number, period: number): void {
    const suspects = this.#suspects(elapsed);
    for (const [endpoint, health] of this.#health) {
      const connections = suspects.get(endpoint) ?? [];
      if (health.review(connections, this.#shortestTimeout, period)) this.#replaced(endpoint);
      if (connections.length === 0) this.#health.delete(endpoint);
    }
  }

  /** The silent connections by endpoint, each of which gets an entry in `#health`. */
  #suspects(elapsed: number): Map<string, ReturnType<ManagedClient['silentConnection']>[]> {
    const suspects = new Map<string, ReturnType<ManagedClient['silentConnection']>[]>();
    for (const client of this.#clients) {
      const { liveness } = client;
      liveness.observe(elapsed);
      if (liveness.silence === 0) continue;
      const timeout = this.#timeoutAt(this.#alerts.has(client.cache)) * liveness.patience;
      const grace = liveness.grace(this.#settings.heartbeatInterval);
      if (liveness.silence < grace + timeout * SUSPICION_SHARE) continue;
      const { endpoint } = client;
      const ofEndpoint = suspects.get(endpoint) ?? [];
      ofEndpoint.push(client.silentConnection(grace + timeout));
      suspects.set(endpoint, ofEndpoint);
      if (!this.#health.has(endpoint)) this.#health.set(endpoint, new EndpointHealth());
    }
    return suspects;
  }

  /** A connection to this server was dead. Idle connections may be dead, too, and are sent a PING. */
  #replaced(endpoint: string): void {
    if (this.#settings.heartbeatInterval === 0) return;
    for (const client of this.#clients) if (client.endpoint === endpoint) client.ping();
  }
}
