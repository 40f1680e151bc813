import { AzureRedisError } from '../errors.js';
import { messageOf, redacted, withoutSecrets } from '../redaction.js';
import { raceSignal, withTimeout } from '../timing/timeouts.js';
import { isLine, kindOfLine, LINE } from '../validation.js';
import { Credentials, CredentialsProvider } from './credentials.js';
import { acquireFirst, attemptTimeout, type AttemptSettings } from './schedule.js';

/** An access key, or a function that returns it. The function is called for each new connection, so that a key can be rotated. */
export type AccessKeyOption = string | (() => string | Promise<string>);

/**
 * Supplies an access key. Live connections keep the key that they logged in with: the server does not drop them when it
 * is rotated.
 */
export class AccessKeyProvider extends CredentialsProvider {
  /** The key is acquired again for each connection: it may have been rotated. */
  readonly isUsable = false;
  readonly #option: AccessKeyOption;
  readonly #timeout: number;
  #current: Credentials;

  private constructor(option: AccessKeyOption, timeout: number, first: Credentials) {
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
    return new AccessKeyProvider(option, attemptTimeout(settings, 0), credentialsOf(username, first));
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Resolves once the key has been acquired again. On failure the last known key is kept. */
  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    this.requireOpen();
    // `refreshFailed` has reported a failure.
    await raceSignal(this.refresh(), signal).catch(() => undefined);
    this.requireOpen();
  }

  /** Acquires the key again, which may have been rotated. `refreshFailed` reports a failure. */
  reportRejected(): void {
    this.refresh().catch(() => undefined);
  }

  start(): void {
    // A key does not expire.
  }

  stop(): void {
    // There are no timers.
  }

  protected async acquire(): Promise<void> {
    const { username, password } = this.#current;
    const key = await readKey(this.#option, this.#timeout, password);
    if (key !== password) this.#current = credentialsOf(username, key);
  }
}

function credentialsOf(username: string, key: string): Credentials {
  return new Credentials(username, key, Infinity);
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
  if (isLine(key)) return key;
  throw unavailable(`The \`accessKey\` function must return ${LINE}, got ${kindOfLine(key)}.`);
}

function unavailable(message: string, cause?: Error): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    message,
    'Return the primary or secondary key of the cache (Azure portal, Authentication), or a promise of it.',
    cause && { cause },
  );
}
