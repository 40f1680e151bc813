import { EventEmitter } from 'node:events';
import { AzureRedisError } from '../errors.js';
import { attemptTimeout, atStart, type AttemptSettings } from './attempts.js';
import { cutOff } from './cut-off.js';
import type { CyclerEvents } from './cycler.js';
import { messageOf, withoutSecrets } from './secrets.js';
import { unlessAborted } from './unless-aborted.js';

/** An access key, or a function that is asked for it each time that a connection is made, so that it may be rotated. */
export type AccessKeyOption = string | (() => string | Promise<string>);

/** One key. It never ends by itself. */
class Key {
  readonly expiresOn = Number.POSITIVE_INFINITY;
  readonly remaining = Number.POSITIVE_INFINITY;
  // Private, so that neither inspection nor serialisation of anything that holds a key can show it.
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  get secret(): string {
    return this.#secret;
  }
}

/**
 * Logs connections in with an access key. Live connections stay as they are: a key that is rotated does not end those
 * that logged in with it.
 */
export class AccessKey extends EventEmitter<CyclerEvents> {
  readonly username: string;
  readonly #read: () => Promise<string>;
  #current: Key;
  #asking: Promise<void> | undefined;
  #closedWith: AzureRedisError | undefined;

  private constructor(username: string, read: () => Promise<string>, first: string) {
    super();
    this.username = username;
    this.#read = read;
    this.#current = new Key(first);
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
  ): Promise<AccessKey> {
    const read = (timeout: number): Promise<string> => readKey(option, timeout);
    return new AccessKey(username, () => read(attemptTimeout(settings, 0)), await atStart(read, settings));
  }

  get current(): Key {
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
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#closedWith) throw this.#closedWith;
    // Why it could not be had has been reported by `refreshFailed`.
    await unlessAborted(this.refresh(), signal).catch(() => undefined);
  }

  /** It may have been rotated. Why no other can be had is reported by `refreshFailed`. */
  refused(): void {
    this.refresh().catch(() => undefined);
  }

  /** A key needs no refreshing. */
  run(): void {
    return undefined;
  }

  rest(): void {
    return undefined;
  }

  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
  }

  async #ask(): Promise<void> {
    try {
      const secret = await this.#read();
      if (secret !== this.#current.secret) this.#current = new Key(secret);
    } catch (error) {
      if (error instanceof AzureRedisError) this.emit('refreshFailed', error);
      throw error;
    }
  }
}

async function readKey(option: AccessKeyOption, timeout: number): Promise<string> {
  if (typeof option === 'string') return option;
  const key = await cutOff(async () => option(), timeout).catch((error: unknown) => {
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
