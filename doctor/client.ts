import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Authenticator } from '../lib/authenticator.js';
import type { Answer } from '../lib/configure/azure-caches.js';
import { messageOf } from '../lib/redaction.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Context } from './options.js';

/** An error reply begins with a code, other errors are sentences. READONLY says that a replica answers. */
const ERROR_REPLY = /^(?!READONLY)[A-Z]{3,} /;

/** The connection failed, was lost, or does not answer. */
export class TrialError extends Error {}

/** A client that logs in as that of the application would, on the endpoint itself. It is closed when the diagnosis ends. */
export class TrialClient {
  readonly authenticator: Authenticator;
  readonly #client: Redis;
  readonly #signal: AbortSignal;

  constructor({ stepTimeout, signal }: Context, { clientOptions }: DiagnosedIdentity) {
    this.authenticator = clientOptions.authenticator;
    this.#signal = signal;
    this.#client = new Redis({
      ...clientOptions,
      connectionName: 'ioredis-azure-doctor',
      lazyConnect: true,
      // Not every role may run the INFO of the ready check.
      enableReadyCheck: false,
      connectTimeout: stepTimeout,
      commandTimeout: stepTimeout,
      retryStrategy: () => null,
      // Its error is reported. By default the connection would be replaced until the failover has ended.
      reconnectOnError: () => false,
    });
    // The rejected command, or `connect()`, has the error.
    this.#client.on('error', () => undefined);
    signal.addEventListener('abort', () => {
      this.#client.disconnect();
    });
  }

  /** @throws TrialError if it cannot connect or log in. */
  connect(): Promise<void> {
    return this.#settled(this.#client.connect());
  }

  /** Sends a command; an error reply is an answer too. @throws TrialError if there is no reply. */
  ask(command: string, ...args: (string | number)[]): Promise<Answer> {
    return this.#answer(this.#client.call(command, ...args));
  }

  /** Subscribes on a separate connection, which is then closed: in RESP2, a subscribed connection accepts no other commands. */
  async askToSubscribe(channel: string): Promise<Answer> {
    const subscriber = this.#client.duplicate();
    subscriber.on('error', () => undefined);
    try {
      return await this.#answer(subscriber.subscribe(channel));
    } finally {
      subscriber.disconnect();
    }
  }

  /** Replaces the connection; returns how long that took, in ms. @throws TrialError */
  async reconnect(): Promise<number> {
    const start = performance.now();
    const ended = once(this.#client, 'end');
    this.#client.disconnect();
    await this.#settled(ended);
    await this.connect();
    return performance.now() - start;
  }

  async #answer(reply: Promise<unknown>): Promise<Answer> {
    try {
      return { reply: await raceSignal(reply, this.#signal) };
    } catch (error) {
      const message = messageOf(error);
      if (ERROR_REPLY.test(message)) return { error: message };
      throw new TrialError(message);
    }
  }

  async #settled<Result>(promise: Promise<Result>): Promise<Result> {
    return raceSignal(promise, this.#signal).catch((error: unknown) => {
      throw new TrialError(messageOf(error));
    });
  }
}
