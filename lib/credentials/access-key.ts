import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { AzureRedisError } from '../errors.js';
import { messageOf, redacted, withoutSecrets } from '../redaction.js';
import { closedBySignal, type CloseSignal, Wait } from '../timing/close-signal.js';
import { raceSignal, withTimeout } from '../timing/timeouts.js';
import { isText, kindOf } from '../validation.js';
import type { Credentials, CredentialsEvents, RefreshingCredentialsProvider } from './credentials.js';
import { acquireFirst, attemptTimeout, type AttemptSettings } from './retry.js';

/** An access key, or a function that returns it. The function is called for each new connection, so that a key can be rotated. */
export type AccessKeyOption = string | (() => string | Promise<string>);

/** A valid key, for messages. */
export const ACCESS_KEY = 'a non-empty string without line breaks';

const LINE_BREAK = /[\r\n]/;

export function isAccessKey(value: unknown): value is string {
  return isText(value) && !LINE_BREAK.test(value);
}

/** The kind of an invalid key, which gives away nothing of it. */
export function kindOfKey(value: unknown): string {
  return typeof value === 'string' && LINE_BREAK.test(value) ? 'one with a line break' : kindOf(value);
}

/** A key, which does not expire. */
class AccessKey implements Credentials {
  readonly username: string;
  readonly expiresOn = Number.POSITIVE_INFINITY;
  readonly remaining = Number.POSITIVE_INFINITY;
  // Private, so that neither inspection nor serialisation of anything that holds a key can show it.
  readonly #secret: string;

  constructor(username: string, secret: string) {
    this.username = username;
    this.#secret = secret;
  }

  get password(): string {
    return this.#secret;
  }

  /** The output of `util.inspect()`, which may call getters, without the secret. */
  [inspect.custom](): string {
    return `AccessKey { username: '${this.username}' }`;
  }
}

/**
 * Supplies an access key. Live connections keep the key that they logged in with: the server does not drop them when it
 * is rotated.
 */
export class AccessKeyProvider
  extends EventEmitter<CredentialsEvents>
  implements RefreshingCredentialsProvider
{
  /** The key is acquired again for each connection: it may have been rotated. */
  readonly isUsable = false;
  readonly #option: AccessKeyOption;
  readonly #timeout: number;
  #current: AccessKey;
  #pending: Promise<void> | undefined;
  #closedWith: AzureRedisError | undefined;

  private constructor(option: AccessKeyOption, timeout: number, first: AccessKey) {
    super();
    this.#option = option;
    this.#timeout = timeout;
    this.#current = first;
  }

  /**
   * Acquires the key for the first time.
   *
   * @throws AzureRedisError `TOKEN_UNAVAILABLE` after the last attempt.
   */
  static async start(
    option: AccessKeyOption,
    username: string,
    settings: AttemptSettings,
  ): Promise<AccessKeyProvider> {
    const first = await acquireFirst((timeout) => readKey(option, timeout), settings);
    return new AccessKeyProvider(option, attemptTimeout(settings, 0), new AccessKey(username, first));
  }

  get username(): string {
    return this.#current.username;
  }

  get current(): AccessKey {
    return this.#current;
  }

  refresh(): Promise<void> {
    this.#pending ??= this.#acquire().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Resolves once the key has been acquired again. On failure the last known key is kept. */
  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    this.#requireOpen();
    // `refreshFailed` has reported a failure.
    await raceSignal(this.refresh(), signal).catch(() => undefined);
    this.#requireOpen();
  }

  /** A live connection keeps its key, also when it is rotated: it waits until it closes. */
  newerThan(credentials: Credentials | undefined, signal: CloseSignal): Promise<Credentials> {
    if (signal.closed) return Promise.reject(closedBySignal);
    if (!credentials) return Promise.resolve(this.#current);
    return new Wait<never>(signal, () => undefined).promise;
  }

  /** Acquires the key again, which may have been rotated. `refreshFailed` reports a failure. */
  reportRejected(): void {
    this.refresh().catch(() => undefined);
  }

  start(): void {
    // A key does not expire.
    return undefined;
  }

  stop(): void {
    return undefined;
  }

  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
  }

  #requireOpen(): void {
    if (this.#closedWith) throw this.#closedWith;
  }

  async #acquire(): Promise<void> {
    try {
      const secret = await readKey(this.#option, this.#timeout, this.#current.password);
      if (secret !== this.#current.password) this.#current = new AccessKey(this.username, secret);
    } catch (error) {
      if (error instanceof AzureRedisError && !this.#closedWith) this.emit('refreshFailed', error);
      throw error;
    }
  }
}

async function readKey(option: AccessKeyOption, timeout: number, last?: string): Promise<string> {
  if (typeof option === 'string') return option;
  const secrets = last === undefined ? [] : [last];
  const key = await withTimeout(async () => option(), timeout).catch((error: unknown) => {
    throw unavailable(
      `The \`accessKey\` function failed: ${redacted(messageOf(error), secrets)}`,
      withoutSecrets(error, secrets),
    );
  });
  if (isAccessKey(key)) return key;
  throw unavailable(`The \`accessKey\` function must return ${ACCESS_KEY}, got ${kindOfKey(key)}.`);
}

function unavailable(message: string, cause?: Error): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    message,
    'Return the primary or secondary key of the cache (Azure portal, Authentication), or a promise of it.',
    cause && { cause },
  );
}
