import type { CredentialsProvider } from '../credentials/credentials.js';
import type { Connection } from '../connection/connection.js';
import type { ManagedClient } from '../connection/managed-client.js';
import { MAX_TIMER_DELAY } from '../timing/timeouts.js';
import { Pulse } from './pulse.js';
import { Server, type Suspect } from './server.js';

/** The interval of PINGs on idle connections, and the time within which a reply must arrive, in ms; 0 disables either. */
export interface HeartbeatSettings {
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
}

/** The number of observations of a connection within `heartbeatTimeout`. */
const OBSERVATIONS = 5;

/** The share of `heartbeatTimeout` after which a connection that owes a reply is suspected, and its server probed. */
const SUSPICION_SHARE = 1 / 2;

/** The longest `heartbeatTimeout`, and time between two PINGs, while maintenance is announced, in ms. */
const ALERT_TIMEOUT = 2_000;

/** In how many turns of an interval the idle clients send PING, and the shortest time between two, in ms. */
const TURNS = 60;
const SHORTEST_TURN = 100;

/**
 * Sends PING on idle connections, and replaces those that do not answer. One timer serves all clients. It reads counters of
 * ioredis and the sockets, so that commands need no additional work.
 */
export class Heartbeat {
  readonly #settings: HeartbeatSettings;
  readonly #provider: CredentialsProvider;
  readonly #clients: Iterable<ManagedClient>;
  readonly #pulses = new WeakMap<Connection, Pulse>();
  /** The servers to which a connection is suspected, by their endpoint. */
  readonly #servers = new Map<string, Server>();
  /** Until when maintenance is announced (`performance.now()`), by the name of the cache. */
  readonly #alerts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #observedAt = 0;

  constructor(settings: HeartbeatSettings, provider: CredentialsProvider, clients: Iterable<ManagedClient>) {
    this.#settings = settings;
    this.#provider = provider;
    this.#clients = clients;
  }

  /** Starts the timer; does nothing while it runs. */
  start(): void {
    if (this.#timer || this.#period === MAX_TIMER_DELAY) return;
    this.#observedAt = performance.now();
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  /** Shortens the timeout for connections to a cache for this time, in ms. */
  expectMaintenance(cache: string, duration: number): void {
    const until = Math.max(this.#alerts.get(cache) ?? 0, performance.now() + duration);
    this.#alerts.set(cache, until);
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** `heartbeatInterval`, or less while maintenance is announced. */
  get #interval(): number {
    const { heartbeatInterval } = this.#settings;
    return this.#alerts.size > 0 ? Math.min(heartbeatInterval, ALERT_TIMEOUT) : heartbeatInterval;
  }

  /** `heartbeatTimeout`, or less while maintenance is announced. */
  #timeout(isAlerted = this.#alerts.size > 0): number {
    const { heartbeatTimeout } = this.#settings;
    return isAlerted ? Math.min(heartbeatTimeout, ALERT_TIMEOUT) : heartbeatTimeout;
  }

  /** The time between two observations, in ms. */
  get #period(): number {
    const interval = this.#interval;
    const turn = Math.max(interval / TURNS, Math.min(interval, SHORTEST_TURN));
    const observation = this.#timeout() / OBSERVATIONS;
    return Math.min(turn || MAX_TIMER_DELAY, observation || MAX_TIMER_DELAY);
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
    const interval = this.#interval;
    const suspects = new Map<string, Suspect[]>();
    for (const client of this.#clients) {
      if (!client.connection) continue;
      const pulse = this.#pulseOf(client.connection, now);
      if (this.#settings.heartbeatTimeout > 0) {
        pulse.observe(elapsed);
        this.#suspect(client, pulse, suspects);
      }
      if (interval > 0) pulse.pingIfIdle(now, interval);
    }
    this.#review(suspects, period);
  }

  #pulseOf(connection: Connection, now: number): Pulse {
    let pulse = this.#pulses.get(connection);
    if (!pulse) {
      pulse = new Pulse(connection, now - Math.random() * this.#settings.heartbeatInterval);
      this.#pulses.set(connection, pulse);
    }
    return pulse;
  }

  #suspect(client: ManagedClient, pulse: Pulse, suspects: Map<string, Suspect[]>): void {
    if (pulse.silence === 0) return;
    const timeout = this.#timeout(this.#alerts.has(client.cache));
    const allowance = pulse.allowance(this.#settings.heartbeatInterval);
    if (pulse.silence < allowance + timeout * SUSPICION_SHARE) return;
    const { endpoint } = client;
    const ofServer = suspects.get(endpoint) ?? [];
    ofServer.push({ client, pulse, isLate: pulse.silence >= allowance + timeout });
    suspects.set(endpoint, ofServer);
  }

  #review(suspects: ReadonlyMap<string, readonly Suspect[]>, period: number): void {
    for (const [endpoint, server] of this.#servers) {
      if (suspects.has(endpoint)) continue;
      server.close();
      this.#servers.delete(endpoint);
    }
    for (const [endpoint, ofServer] of suspects) {
      const server = this.#servers.get(endpoint) ?? new Server();
      this.#servers.set(endpoint, server);
      if (server.review(ofServer, this.#provider, this.#timeout(), period)) this.#pingAll(endpoint);
    }
  }

  /** A connection to this server was unresponsive: idle ones may be, too. */
  #pingAll(endpoint: string): void {
    if (this.#settings.heartbeatInterval === 0) return;
    for (const client of this.#clients) {
      if (client.connection && client.endpoint === endpoint) this.#pulses.get(client.connection)?.ping();
    }
  }
}
