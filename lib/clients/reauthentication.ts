import type { CredentialsProvider } from '../credentials/credentials.js';
import { traceReauthentication } from '../diagnostics.js';
import { endpointOf, type Client } from '../ioredis/client.js';
import { isLoginAccepted } from '../ioredis/login-command.js';
import { backoffDelay, type Backoff, spreadOf } from '../timing/backoff.js';
import { dateOf } from '../timing/deadline.js';
import { MAX_TIMER_DELAY, settlesWithin } from '../timing/timeouts.js';
import type { ConnectionReplacer } from './connection-replacer.js';
import { EXPIRED_REPLY_GRACE, REPLACE_BEFORE_EXPIRY, type Session } from './session.js';

/** The waits between the attempts of a failed AUTH, in ms. */
const RETRY: Backoff = { minTimeout: 100, maxTimeout: 60_000, factor: 2, randomize: true };

/**
 * The share of the remaining life of a connection's credentials after which a failed AUTH is sent again at the latest, so
 * that the backoff never outlasts them.
 */
const MAX_WAIT_SHARE = 1 / 4;

/** Callbacks for the outcome of an AUTH. */
export interface ReauthenticationHandlers {
  reauthenticated(): void;
  failed(error: Error): void;
}

/** Keeps a client's live connection logged in with the current credentials, outside transactions. */
export class Reauthentication {
  readonly #client: Client;
  readonly #session: Session;
  readonly #provider: CredentialsProvider;
  readonly #replacer: ConnectionReplacer;
  readonly #handlers: ReauthenticationHandlers;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #failures = 0;

  constructor(
    client: Client,
    session: Session,
    provider: CredentialsProvider,
    replacer: ConnectionReplacer,
    handlers: ReauthenticationHandlers,
  ) {
    this.#client = client;
    this.#session = session;
    this.#provider = provider;
    this.#replacer = replacer;
    this.#handlers = handlers;
  }

  /** Runs at a random moment that is early enough for the credentials that it replaces. */
  schedule(): void {
    this.#scheduleIn(Math.random() * spreadOf(this.#session.credentials?.remaining ?? 0));
  }

  /** The client is ready: newer credentials may have arrived while it logged in. */
  connected(): void {
    this.#scheduleIn(0);
  }

  /** The connection has closed. */
  disconnected(): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
  }

  /** Sends AUTH with the current credentials. */
  async authenticate(): Promise<void> {
    const { username, current } = this.#provider;
    const endpoint = endpointOf(this.#client);
    const trace = { username, endpoint, expiresOn: dateOf(current.expiresOn) };
    await traceReauthentication(trace, async () => {
      const send = (): Promise<unknown> => this.#client.auth(username, current.password);
      const answer = await this.#session.sendLogin(send, current);
      if (!isLoginAccepted(answer))
        throw new Error(`AUTH was answered with ${String(answer)} instead of OK.`);
    });
  }

  #scheduleIn(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, delay);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { id } = this.#session;
    try {
      if (!(await this.#transactionEnds())) {
        this.#replacer.replace('blocked');
        return;
      }
      await settlesWithin(this.#session.replyTimeout, this.#session.loginAnswered());
      // By now there may be another connection, or the client may have been released.
      if (id !== this.#session.id || !this.#isOutdated()) return;
      const { mode } = this.#client;
      if (mode === 'subscriber' || mode === 'monitor') await this.#replacer.replaceAfterReplies(mode);
      else await this.#reauthenticate();
    } finally {
      this.#isRunning = false;
      // The next connection, which has logged in meanwhile, had to wait for this run.
      if (id !== this.#session.id && this.#session.credentials) this.#scheduleIn(0);
    }
  }

  /** Whether the live connection is logged in with older credentials than the current ones. */
  #isOutdated(): boolean {
    const { current } = this.#provider;
    return this.#session.isLive && this.#session.credentials !== current && current.remaining > 0;
  }

  /**
   * Waits for the end of an open transaction, until the credentials expire: a connection that the server has not closed
   * by then is dead.
   */
  async #transactionEnds(): Promise<boolean> {
    const { transaction, credentials } = this.#session;
    if (!transaction.isOpen) return true;
    const left = Math.max(0, credentials?.remaining ?? REPLACE_BEFORE_EXPIRY);
    return settlesWithin(Math.min(MAX_TIMER_DELAY, left + EXPIRED_REPLY_GRACE), transaction.over());
  }

  async #reauthenticate(): Promise<void> {
    const { id } = this.#session;
    try {
      const isAnswered = await settlesWithin(this.#session.replyTimeout, this.authenticate());
      if (id !== this.#session.id) return;
      if (!isAnswered) {
        this.#replacer.replace('blocked');
        return;
      }
      this.#failures = 0;
      this.#handlers.reauthenticated();
      // Even newer credentials may have arrived meanwhile.
      this.#scheduleIn(0);
    } catch (error) {
      if (id === this.#session.id) this.#failed(error as Error);
    }
  }

  #failed(error: Error): void {
    // It has just subscribed, and no longer accepts AUTH: replace it.
    if (this.#client.mode === 'subscriber') {
      this.#scheduleIn(0);
      return;
    }
    this.#failures += 1;
    this.#handlers.failed(error);
    this.#scheduleIn(retryDelay(this.#failures, this.#session.credentials?.remaining ?? Infinity));
  }
}

/** How long to wait after this many failures in a row, in ms, on a connection whose credentials have `left` ms to live. */
export function retryDelay(failures: number, left: number): number {
  const delay = backoffDelay(failures, RETRY);
  // Once they have expired, the backoff alone counts.
  return left > 0 ? Math.min(delay, Math.max(RETRY.minTimeout, left * MAX_WAIT_SHARE)) : delay;
}
