import type { Credentials } from './credentials.js';
import { Deadline } from '../timing/deadline.js';

/** The share of its lifetime in which a token is fresh: the identity service could hardly issue a better one. */
const FRESH = 0.05;

/** An access token that has been validated. Times are in ms since 1970. */
export class Token implements Credentials {
  /** The Redis user name that it logs in. */
  readonly username: string;
  readonly acquiredOn: number;
  /** When the identity service advises to request the next one. */
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

  get password(): string {
    return this.#secret;
  }

  /** When the server drops a connection that logged in with this token. */
  get expiresOn(): number {
    return this.#expiry.time;
  }

  /** The time until the expiry, in ms; negative after it. */
  get remaining(): number {
    return this.#expiry.remaining;
  }

  /** The time from acquisition to expiry, in ms. */
  get lifetime(): number {
    return this.expiresOn - this.acquiredOn;
  }

  isFresh(): boolean {
    return this.remaining > this.lifetime * (1 - FRESH);
  }

  /**
   * Whether a connection that is opened now logs in before the token expires: a tenth of the lifetime must be left, or
   * 5 s, which is enough for a TLS connection across continents.
   */
  isUsable(): boolean {
    return this.remaining > Math.min(5_000, this.lifetime / 10);
  }

  isSame(other: Token): boolean {
    return this.#secret === other.#secret;
  }

  /**
   * Whether this is a different token, and no older. Identity libraries return a cached token until shortly before its
   * expiry; and after the clock was set back, a newer token seems to expire earlier.
   */
  isNewerThan(other: Token): boolean {
    const endsNoEarlier = this.expiresOn >= other.expiresOn || this.remaining >= other.remaining;
    return endsNoEarlier && !this.isSame(other);
  }
}
