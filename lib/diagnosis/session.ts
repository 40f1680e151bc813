import { once } from 'node:events';
import { Redis } from 'ioredis';
import { messageOf } from '../redaction.js';
import { raceSignal } from '../timing/timeouts.js';
import type { DiagnosisContext } from './context.js';
import type { DiagnosedIdentity } from './identity.js';

/** The answer to a command: a reply, or the message of an error. */
export type Answer = { readonly reply: unknown } | { readonly error: string };

/** One client that is logged in as the application would be, on the endpoint itself. */
export class Session {
  readonly client: Redis;
  readonly #signal: AbortSignal;

  private constructor(client: Redis, signal: AbortSignal) {
    this.client = client;
    this.#signal = signal;
  }

  static async open(
    { timeout, signal }: Pick<DiagnosisContext, 'timeout' | 'signal'>,
    { clientOptions }: DiagnosedIdentity,
  ): Promise<Session> {
    const client = new Redis({
      ...clientOptions,
      connectionName: 'ioredis-azure-doctor',
      lazyConnect: true,
      // Not every role may run the INFO of the ready check.
      enableReadyCheck: false,
      connectTimeout: timeout,
      commandTimeout: timeout,
      retryStrategy: () => null,
    });
    // The rejected command, or `connect()`, has the error.
    client.on('error', () => undefined);
    const session = new Session(client, signal);
    try {
      await raceSignal(client.connect(), signal);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Sends a command; an error reply is an answer too. */
  async ask(command: string, ...args: (string | number)[]): Promise<Answer> {
    try {
      return { reply: await raceSignal(this.client.call(command, ...args), this.#signal) };
    } catch (error) {
      this.#signal.throwIfAborted();
      return { error: messageOf(error) };
    }
  }

  /** Subscribes on a separate connection, which is then closed: in RESP2, a subscribed connection accepts no other commands. */
  async askToSubscribe(channel: string): Promise<Answer> {
    const subscriber = this.client.duplicate();
    subscriber.on('error', () => undefined);
    try {
      return { reply: await raceSignal(subscriber.subscribe(channel), this.#signal) };
    } catch (error) {
      this.#signal.throwIfAborted();
      return { error: messageOf(error) };
    } finally {
      subscriber.disconnect();
    }
  }

  /** Replaces the connection; returns how long that took, in ms. */
  async reconnect(): Promise<number> {
    const start = performance.now();
    const ended = once(this.client, 'end', { signal: this.#signal });
    this.client.disconnect();
    await ended;
    await raceSignal(this.client.connect(), this.#signal);
    return performance.now() - start;
  }

  close(): void {
    this.client.disconnect();
  }
}
