import type { CredentialsProvider } from '../credentials/credentials.js';
import { backoffDelay, type Backoff, spreadOf } from '../timing/backoff.js';
import { ignoreClosed, pause, settlesWithin } from '../timing/close-signal.js';
import type { Connection } from './connection.js';
import type { RecycleReason } from './events.js';
import type { ManagedClient } from './managed-client.js';

/** The waits between the attempts of a failed AUTH, in ms. */
const RETRY: Backoff = { minTimeout: 100, maxTimeout: 60_000, factor: 2, randomize: true };

/**
 * The share of the remaining life of a connection's credentials after which a failed AUTH is sent again at the latest, so
 * that the backoff never outlasts them.
 */
const MAX_WAIT_SHARE = 1 / 4;

/**
 * Keeps the present connection of a client logged in with the provider's current credentials until it closes: every wait ends
 * with the connection.
 *
 * @returns the reason to replace the connection, if it cannot be logged in again; `undefined` if it has closed or is
 *   being closed by the application.
 */
export async function keepLoggedIn(
  connection: Connection,
  provider: CredentialsProvider,
  managed: ManagedClient,
): Promise<RecycleReason | undefined> {
  const { client, signal, transaction } = connection;
  try {
    for (let failures = 0; ;) {
      // With `enableReadyCheck: false`, ioredis 5 is ready before its login is answered.
      await settlesWithin(connection.replyTimeout, connection.login, signal);
      await provider.newerThan(connection.credentials, signal);
      const { remaining } = connection.credentials ?? {};
      // The first AUTH is sent at a random moment that is early enough for the credentials that are replaced.
      const spread = Math.random() * spreadOf(remaining ?? 0);
      await pause(failures > 0 ? retryDelay(failures, remaining ?? Infinity) : spread, signal);
      if (changesUser(connection, provider)) {
        // A live connection keeps its user: it is replaced shortly before its credentials end.
        await pause(connection.replyTimeout, signal);
        if (changesUser(connection, provider)) return 'identity';
      }

      // A connection that the server has not closed by then is dead.
      if (!(await settlesWithin(connection.closedWithin, transaction.over(), signal))) return 'blocked';
      if (!connection.isLive) return undefined;
      if (connection.credentials === provider.current) continue;
      if (!connection.acceptsAuth) return client.mode === 'monitor' ? 'monitor' : 'subscriber';

      const outcome = connection.authenticate(provider).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      if (!(await settlesWithin(connection.replyTimeout, outcome, signal))) return 'blocked';
      const error = await outcome;
      // If it has just subscribed over RESP2, it no longer accepts AUTH, and is replaced.
      if (error && client.mode === 'subscriber') continue;
      failures = error ? failures + 1 : 0;
      managed.reportLogin(error);
    }
  } catch (error) {
    ignoreClosed(error);
    return undefined;
  }
}

/** How long to wait after this many failures in a row, in ms, on a connection whose credentials have `remaining` ms to live. */
export function retryDelay(failures: number, remaining: number): number {
  const delay = backoffDelay(failures, RETRY);
  // Once they have expired, the backoff alone counts.
  return remaining > 0 ? Math.min(delay, Math.max(RETRY.minTimeout, remaining * MAX_WAIT_SHARE)) : delay;
}

function changesUser({ credentials }: Connection, { current }: CredentialsProvider): boolean {
  return credentials !== undefined && credentials.username !== current.username;
}
