import { Deadline } from '../timing/deadline.js';

/** The share of its life in which a token is still fresh: the identity service would hardly know a better one. */
const FRESH = 0.05;

/** An access token that has been checked, and what the life cycle needs to know of it. Times are ms since 1970. */
export class Token {
  /** The Redis user name that it logs in. */
  readonly username: string;
  readonly acquiredOn: number;
  /** When the identity service advises to ask for the next one, if it does. */
  readonly refreshAfter: number | undefined;
  readonly #expiry: Deadline;
  // Private, so that neither inspection nor serialisation of anything that holds a token can show it.
  readonly #secret: string;

  constructor(
    secret: string,
    details: { username: string; acquiredOn: number; expiresOn: number; refreshAfter?: number | undefined },
  ) {
    this.#secret = secret;
    this.username = details.username;
    this.acquiredOn = details.acquiredOn;
    this.#expiry = new Deadline(details.expiresOn);
    this.refreshAfter = details.refreshAfter;
  }

  /** The token's text. */
  get password(): string {
    return this.#secret;
  }

  /** When the server drops a connection that logged in with it. */
  get expiresOn(): number {
    return this.#expiry.time;
  }

  /** How long it still lives, in ms; negative once it is dead. */
  get remaining(): number {
    return this.#expiry.remaining;
  }

  /** How long it lives in all, in ms. */
  get lifetime(): number {
    return this.expiresOn - this.acquiredOn;
  }

  isFresh(): boolean {
    return this.remaining > this.lifetime * (1 - FRESH);
  }

  /**
   * Whether a connection that is opened now will be logged in before the token dies: a tenth of its life must be
   * left, or five seconds, in which a TLS connection across continents is made.
   */
  isUsable(): boolean {
    return this.remaining > Math.min(5_000, this.lifetime / 10);
  }

  /**
   * Whether this is another token than the given one, and no older. Identity libraries hand the same token out again
   * until near its expiry; and after the clock was set back, a newer one seems to end before it.
   */
  isNewerThan(other: Token): boolean {
    const endsNoEarlier = this.expiresOn >= other.expiresOn || this.remaining >= other.remaining;
    return endsNoEarlier && this.#secret !== other.#secret;
  }
}
