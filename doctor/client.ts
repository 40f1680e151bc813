import { once } from 'node:events';
import { Redis } from 'ioredis';
import { messageOf } from '../lib/redaction.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Context } from './options.js';

/** The answer to a command: a reply, or the message of an error. */
export type Answer = { readonly reply: unknown } | { readonly error: string };

/** An error reply begins with a code; errors of this package, of ioredis and of Node.js are sentences. */
const ERROR_REPLY = /^[A-Z]{3,} /;

/** The connection failed, was lost, or does not answer. */
export class TrialError extends Error {}

/** One client that is logged in as the application would be, on the endpoint itself. */
export class TrialClient {
  readonly client: Redis;
  readonly #signal: AbortSignal;

  private constructor(client: Redis, signal: AbortSignal) {
    this.client = client;
    this.#signal = signal;
  }

  /** @throws TrialError if it cannot connect or log in. */
  static async open(
    { stepTimeout, signal }: Context,
    { clientOptions }: DiagnosedIdentity,
  ): Promise<TrialClient> {
    const client = new Redis({
      ...clientOptions,
      connectionName: 'ioredis-azure-doctor',
      lazyConnect: true,
      // Not every role may run the INFO of the ready check.
      enableReadyCheck: false,
      connectTimeout: stepTimeout,
      commandTimeout: stepTimeout,
      retryStrategy: () => null,
    });
    // The rejected command, or `connect()`, has the error.
    client.on('error', () => undefined);
    signal.addEventListener('abort', () => {
      client.disconnect();
    });
    const trial = new TrialClient(client, signal);
    try {
      await trial.#settled(client.connect());
      return trial;
    } catch (error) {
      trial.close();
      throw error;
    }
  }

  /** Sends a command; an error reply is an answer too. @throws TrialError if there is no reply. */
  ask(command: string, ...args: (string | number)[]): Promise<Answer> {
    return this.#answer(this.client.call(command, ...args));
  }

  /** Subscribes on a separate connection, which is then closed: in RESP2, a subscribed connection accepts no other commands. */
  async askToSubscribe(channel: string): Promise<Answer> {
    const subscriber = this.client.duplicate();
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
    const ended = once(this.client, 'end');
    this.client.disconnect();
    await this.#settled(ended);
    await this.#settled(this.client.connect());
    return performance.now() - start;
  }

  close(): void {
    this.client.disconnect();
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
