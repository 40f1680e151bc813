import type { CredentialsProvider } from '../credentials/credentials.js';
import type { Connection } from '../connection/connection.js';
import type { ManagedClient } from '../connection/managed-client.js';
import { Pulse } from './pulse.js';
import { Server } from './server.js';

/** The interval of PINGs on idle connections, and the time within which a reply must arrive, in ms; 0 disables either. */
export interface HeartbeatSettings {
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
}

/** The number of observations of a connection within `heartbeatTimeout`. */
const OBSERVATIONS = 5;

/** The share of `heartbeatTimeout` after which a connection that owes a reply is suspected, and its server probed. */
const SUSPICION_SHARE = 1 / 2;

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
  /** The time between two observations, in ms; `Infinity` if both settings are 0. */
  readonly #period: number;
  #timer: NodeJS.Timeout | undefined;
  #observedAt = 0;

  constructor(settings: HeartbeatSettings, provider: CredentialsProvider, clients: Iterable<ManagedClient>) {
    this.#settings = settings;
    const { heartbeatInterval, heartbeatTimeout } = settings;
    const turn = Math.max(heartbeatInterval / TURNS, Math.min(heartbeatInterval, SHORTEST_TURN));
    this.#period = Math.min(turn || Infinity, heartbeatTimeout / OBSERVATIONS || Infinity);
    this.#provider = provider;
    this.#clients = clients;
  }

  /** Starts the timer; does nothing while it runs. */
  start(): void {
    if (this.#timer || this.#period === Infinity) return;
    this.#observedAt = performance.now();
    this.#timer = setInterval(() => {
      // Data that has already arrived is read first.
      setImmediate(() => {
        if (this.#timer) this.#observe();
      });
    }, this.#period).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  #observe(): void {
    const { heartbeatInterval, heartbeatTimeout } = this.#settings;
    const now = performance.now();
    // At most the period: nothing could be read while the event loop was blocked, or the process was suspended.
    const elapsed = Math.min(now - this.#observedAt, this.#period);
    this.#observedAt = now;
    for (const client of this.#clients) {
      if (!client.connection) continue;
      const pulse = this.#pulseOf(client, client.connection);
      pulse.observe(elapsed);
      if (heartbeatTimeout > 0) this.#suspect(pulse);
      if (heartbeatInterval > 0) pulse.pingIfIdle(now, heartbeatInterval);
    }
    this.#review();
  }

  #pulseOf(client: ManagedClient, connection: Connection): Pulse {
    let pulse = this.#pulses.get(connection);
    if (!pulse) {
      pulse = new Pulse(client, this.#observedAt - Math.random() * this.#settings.heartbeatInterval);
      this.#pulses.set(connection, pulse);
    }
    return pulse;
  }

  #suspect(pulse: Pulse): void {
    const { heartbeatInterval, heartbeatTimeout } = this.#settings;
    const lateness = pulse.silence - pulse.allowance(heartbeatInterval);
    if (lateness < heartbeatTimeout * SUSPICION_SHARE) return;
    const { endpoint, client } = pulse.client;
    let server = this.#servers.get(endpoint);
    if (!server) {
      server = new Server(client, this.#provider, heartbeatTimeout, this.#period);
      this.#servers.set(endpoint, server);
    }
    server.suspectedAt = this.#observedAt;
    if (lateness >= heartbeatTimeout) server.late.push(pulse);
  }

  #review(): void {
    for (const [endpoint, server] of this.#servers) {
      if (server.suspectedAt !== this.#observedAt) {
        server.close();
        this.#servers.delete(endpoint);
      } else if (server.replaceUnresponsive() && this.#settings.heartbeatInterval > 0)
        this.#pingAll(endpoint);
    }
  }

  /** A connection to this server was unresponsive: idle ones may be, too. */
  #pingAll(endpoint: string): void {
    for (const client of this.#clients) {
      if (client.connection && client.endpoint === endpoint) this.#pulses.get(client.connection)?.ping();
    }
  }
}
