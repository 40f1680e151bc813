/** A password with an end: what a connection logs in with. */
export interface Credentials {
  readonly password: string;
  /** When the server drops a connection that logged in with it, in ms since 1970. */
  readonly expiresOn: number;
  /** How long that still is, in ms; negative once it is past. */
  readonly remaining: number;
}

/** Where connections get their logins from. */
export interface CredentialsProvider {
  readonly username: string;
  /** The login to use now. */
  readonly current: Credentials;
  /**
   * Resolves once `current` is good for a new connection.
   *
   * @throws what stands in the way, once `signal` is aborted.
   */
  waitUntilUsable(signal: AbortSignal): Promise<void>;
  /** The server refused `current`, although it seems to be good. */
  reportRejected(): void;
}
