/** An access token that has been checked, and what the life cycle needs to know of it. Times are ms since 1970. */
export class Token {
  /** The Redis user name that it logs in. */
  readonly username: string;
  readonly acquiredOn: number;
  /** When the server drops a connection that logged in with it. */
  readonly expiresOn: number;
  /** When the identity service advises to ask for the next one, if it does. */
  readonly refreshAfter: number | undefined;
  // Private, so that neither inspection nor serialisation of anything that holds a token can show it.
  readonly #secret: string;

  constructor(
    secret: string,
    details: { username: string; acquiredOn: number; expiresOn: number; refreshAfter?: number | undefined },
  ) {
    this.#secret = secret;
    this.username = details.username;
    this.acquiredOn = details.acquiredOn;
    this.expiresOn = details.expiresOn;
    this.refreshAfter = details.refreshAfter;
  }

  /** The token's text. */
  get secret(): string {
    return this.#secret;
  }

  get lifetime(): number {
    return this.expiresOn - this.acquiredOn;
  }

  isAlive(now = Date.now()): boolean {
    return now < this.expiresOn;
  }

  /**
   * Whether a connection that is opened now will be logged in before the token dies: a tenth of its life must be
   * left, or five seconds, in which a TLS connection across continents is made.
   */
  hasLifeLeft(now = Date.now()): boolean {
    return this.expiresOn - now > Math.min(5_000, this.lifetime / 10);
  }

  /** Whether this is another token than the given one, and no older. Identity libraries hand the same token out again until near its expiry. */
  isNewerThan(other: Token): boolean {
    return this.expiresOn >= other.expiresOn && this.#secret !== other.#secret;
  }
}
