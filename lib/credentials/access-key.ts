import { EventEmitter } from 'node:events';
import { AzureRedisError } from '../errors.js';
import { attemptTimeout, acquireFirst, type AttemptSettings } from './retry.js';
import { withTimeout } from '../timing/timeouts.js';
import type { CredentialsEvents, RefreshingCredentialsProvider } from './credentials.js';
import { messageOf, withoutSecrets } from '../redaction.js';
import { raceSignal } from '../timing/timeouts.js';

/** An access key, or a function that is asked for it each time that a connection is made, so that it may be rotated. */
export type AccessKeyOption = string | (() => string | Promise<string>);

/** One key. It never ends by itself. */
class AccessKey {
  readonly expiresOn = Number.POSITIVE_INFINITY;
  readonly remaining = Number.POSITIVE_INFINITY;
  // Private, so that neither inspection nor serialisation of anything that holds a key can show it.
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  get password(): string {
    return this.#secret;
  }
}

/**
 * Logs connections in with an access key. Live connections stay as they are: a key that is rotated does not end those
 * that logged in with it.
 */
export class AccessKeyProvider
  extends EventEmitter<CredentialsEvents>
  implements RefreshingCredentialsProvider
{
  readonly username: string;
  readonly #read: () => Promise<string>;
  #current: AccessKey;
  #asking: Promise<void> | undefined;
  #closedWith: AzureRedisError | undefined;

  private constructor(username: string, read: () => Promise<string>, first: string) {
    super();
    this.username = username;
    this.#read = read;
    this.#current = new AccessKey(first);
  }

  /**
   * Asks for the key the first time.
   *
   * @throws AzureRedisError `TOKEN_UNAVAILABLE` after the last attempt.
   */
  static async start(
    option: AccessKeyOption,
    username: string,
    settings: AttemptSettings,
  ): Promise<AccessKeyProvider> {
    const read = (timeout: number): Promise<string> => readKey(option, timeout);
    return new AccessKeyProvider(
      username,
      () => read(attemptTimeout(settings, 0)),
      await acquireFirst(read, settings),
    );
  }

  get current(): AccessKey {
    return this.#current;
  }

  /** Asks for the key again, or joins the question that is under way. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Resolves once the key has been asked for again. If it cannot be had, the one that is known may still do. */
  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    if (this.#closedWith) throw this.#closedWith;
    // Why it could not be had has been reported by `refreshFailed`.
    await raceSignal(this.refresh(), signal).catch(() => undefined);
  }

  /** It may have been rotated. Why no other can be had is reported by `refreshFailed`. */
  reportRejected(): void {
    this.refresh().catch(() => undefined);
  }

  /** A key needs no refreshing. */
  start(): void {
    return undefined;
  }

  stop(): void {
    return undefined;
  }

  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
  }

  async #ask(): Promise<void> {
    try {
      const secret = await this.#read();
      if (secret !== this.#current.password) this.#current = new AccessKey(secret);
    } catch (error) {
      if (error instanceof AzureRedisError) this.emit('refreshFailed', error);
      throw error;
    }
  }
}

async function readKey(option: AccessKeyOption, timeout: number): Promise<string> {
  if (typeof option === 'string') return option;
  const key = await withTimeout(async () => option(), timeout).catch((error: unknown) => {
    throw unavailable(`The \`accessKey\` function gave no key: ${messageOf(error)}`, withoutSecrets(error));
  });
  if (typeof key === 'string' && key !== '') return key;
  throw unavailable('The `accessKey` function returned no key.');
}

function unavailable(message: string, cause?: Error): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    message,
    'Return the primary or secondary key of the cache (Azure portal, Authentication), or a promise of it.',
    cause && { cause },
  );
}
