import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import type { AzureRedisError } from '../errors.js';
import { endpointOf } from '../ioredis/client.js';
import { commandsInFlight, refuseCommands } from '../ioredis/client-control.js';
import { closedError, connectionFailed } from './errors.js';
import { InteractiveConnection } from './interactive-connection.js';
import { alertDuration, type MaintenanceEvent } from './maintenance-events.js';
import { Subscriber } from './subscriber.js';
import { Subscriptions } from './subscriptions.js';
import type { Topology } from './topology.js';
import type { ConnectionName, MultiplexerConnection, MultiplexerStatistics } from './types.js';

interface ConnectionsEvents {
  lost: [connection: ConnectionName, endpoint: string];
  /** The connection is available again, with its subscriptions, after `gap` ms. */
  restored: [connection: ConnectionName, endpoint: string, gap: number];
  /** ioredis has given up the interactive connection. */
  ended: [];
  failed: [error: AzureRedisError];
}

/** The connections of a multiplexer: one for commands and one for subscriptions, which may be the same. */
export class Connections<Interactive extends Redis | Cluster> extends EventEmitter<ConnectionsEvents> {
  readonly subscriptions = new Subscriptions();
  readonly #topology: Topology<Interactive>;
  readonly #options: ConfiguredRedisOptions;
  readonly #interactive: InteractiveConnection<Interactive>;
  #subscriber: Subscriber | undefined;
  #reconnects = 0;

  constructor(topology: Topology<Interactive>, options: ConfiguredRedisOptions) {
    super();
    this.#topology = topology;
    this.#options = options;
    this.#interactive = new InteractiveConnection(topology);
    this.#followInteractive();
  }

  get interactive(): Interactive {
    return this.#interactive.client;
  }

  get protocol(): 2 | 3 {
    return this.#interactive.protocol;
  }

  /** `undefined` until connected. */
  get subscriber(): Subscriber | undefined {
    return this.#subscriber;
  }

  get isReady(): boolean {
    return this.#interactive.isReady && this.#subscriber?.connection.isLive === true;
  }

  get statistics(): MultiplexerStatistics {
    return {
      commandsInFlight: commandsInFlight(this.interactive),
      reconnects: this.#reconnects,
      handovers: this.#subscriber?.handovers ?? 0,
      messages: this.subscriptions.delivered,
    };
  }

  /** One with RESP3, two with RESP2. */
  snapshot(): MultiplexerConnection[] {
    const { interactive } = this;
    const connections: MultiplexerConnection[] = [
      { name: 'interactive', endpoint: this.#endpoint, status: interactive.status },
    ];
    const subscriber = this.#subscriber?.connection;
    if (subscriber && subscriber.client !== interactive) {
      connections.push({
        name: 'subscriber',
        endpoint: subscriber.endpoint,
        status: subscriber.isLive ? subscriber.client.status : 'reconnecting',
      });
    }
    return connections;
  }

  /** Resolves when all connections are ready. @throws AzureRedisError */
  async connect(): Promise<void> {
    await this.#interactive.connect();
    await this.#connectSubscriber();
  }

  /** Resolves to the latency in ms. */
  ping(): Promise<number> {
    return this.#topology.ping();
  }

  /** Replaces all connections at once. Resolves when they are ready again. */
  async forceReconnect(): Promise<void> {
    const replacing = [this.#topology.reconnect()];
    const client = this.#subscriber?.connection.client;
    if (client && client !== this.interactive) {
      replacing.push(this.#options.authenticator.managedClientOf(client).forceReconnect());
    }
    await Promise.all(replacing);
    // A subscriber that was lost before the call is being replaced already.
    await this.#subscriber?.waitUntilLive();
  }

  /** Prepares for announced maintenance, or recovers from it. */
  maintain(event: MaintenanceEvent): void {
    const { authenticator, tls, host = '' } = this.#options;
    authenticator.expectMaintenance(tls?.servername ?? host, alertDuration(event));
    if (this.#subscriber) this.#topology.recoverFrom(event.type, this.#subscriber.connection.client);
  }

  /** Rejects further commands, waits for the replies in flight, and ends the clients. */
  async close(): Promise<void> {
    this.subscriptions.end();
    const { interactive } = this;
    // Commands queued by autopipelining are sent in the next turn of the event loop.
    if (interactive.autoPipelineQueueSize > 0) await setImmediate();
    const ended = this.#interactive.close();
    refuseCommands(interactive, closedError);
    await Promise.all([ended, this.#subscriber?.close()]);
  }

  get #endpoint(): string {
    return endpointOf({ options: this.#options });
  }

  #followInteractive(): void {
    const interactive = this.#interactive;
    interactive.on('lost', () => {
      this.emit('lost', 'interactive', this.#endpoint);
    });
    interactive.on('ready', () => {
      // A connection that carries the subscriptions is restored once it is subscribed again.
      if (this.#carriesSubscriptions()) return;
      interactive.reportRestored();
      // The connection before may have had to use RESP2, where the subscriptions need another one.
      if (this.protocol === 3) void this.#subscriber?.share();
    });
    interactive.on('restored', (gap) => {
      this.#restored('interactive', this.#endpoint, gap);
    });
    interactive.on('ended', () => {
      this.emit('failed', connectionFailed(undefined));
      this.emit('ended');
    });
    interactive.on('failed', (error) => {
      this.emit('failed', connectionFailed(error));
    });
  }

  async #connectSubscriber(): Promise<void> {
    const { authenticator, retryStrategy } = this.#options;
    const subscriber = new Subscriber({
      topology: this.#topology,
      interactive: this.#interactive,
      authenticator,
      subscriptions: this.subscriptions,
      retryStrategy,
    });
    subscriber.on('lost', ({ client, endpoint }) => {
      if (client !== this.interactive) this.emit('lost', 'subscriber', endpoint);
    });
    subscriber.on('restored', ({ client, endpoint }, gap) => {
      if (client === this.interactive) this.#interactive.reportRestored();
      else this.#restored('subscriber', endpoint, gap);
    });
    subscriber.on('failed', (error) => {
      this.emit('failed', connectionFailed(error));
    });
    await subscriber.connect();
    this.#subscriber = subscriber;
    this.#interactive.use();
  }

  #carriesSubscriptions(): boolean {
    return this.protocol === 3 && this.#subscriber?.connection.client === this.interactive;
  }

  #restored(connection: ConnectionName, endpoint: string, gap: number): void {
    this.#reconnects += 1;
    this.emit('restored', connection, endpoint, gap);
  }
}
