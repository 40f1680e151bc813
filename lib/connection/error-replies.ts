import type { CredentialsProvider, Credentials } from '../credentials/credentials.js';
import { asAzureRedisError } from '../errors.js';
import { isWait } from '../ioredis/blocking-command.js';
import { reconnectsByItself, type Command, type CommandItem, type ReplyError } from '../ioredis/client.js';
import { isLogin } from '../ioredis/login.js';
import { isInTransaction, sendAgain, sendOnNextConnection } from '../ioredis/queues.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { ignoreClosed, pause } from '../timing/close-signal.js';
import type { Connection } from './connection.js';
import type { ManagedClient } from './managed-client.js';

/**
 * Adds `code` and `hint` to an error reply that has a known meaning on Azure. It stays the `ReplyError` of ioredis, by whose
 * class, name and message libraries decide what to do.
 */
export function explain(reply: ReplyError, credentials: Credentials): ReplyError {
  if (isWrongPass(reply)) return asAzureRedisError(reply, 'WRONGPASS', wrongPassHint(credentials));
  if (reply.message.startsWith('NOPERM')) {
    return asAzureRedisError(
      reply,
      'NOPERM',
      `The access policy of the identity ${credentials.username} does not permit this command: assign one that does ` +
        '(Data Owner, Data Contributor, or a custom access policy).',
    );
  }
  // A Cluster handles this error by its message; a plain client shows it to the user.
  if (reply.message.startsWith('MOVED ')) {
    return asAzureRedisError(
      reply,
      'CLUSTER_CLIENT_REQUIRED',
      'The cache is clustered (OSS cluster policy): instead of `new Redis()`, create a Cluster from the result of ' +
        'configureClusterForAzure(): `new Cluster(...(await configureClusterForAzure({ host })))`, or connect the ' +
        'Multiplexer again, which finds out.',
    );
  }
  if (/cluster support (?:is )?disabled/i.test(reply.message)) {
    return asAzureRedisError(
      reply,
      'CLUSTER_MODE_DISABLED',
      'The cache is not clustered, or has the Enterprise cluster policy: instead of `new Cluster()`, create a client ' +
        'from the result of configureForAzure(): `new Redis(await configureForAzure({ host }))`.',
    );
  }
  return reply;
}

/** An access key has no expiry. */
function wrongPassHint({ username, expiresOn }: Credentials): string {
  if (!Number.isFinite(expiresOn)) {
    return (
      'The cache refused the access key: it is wrong or was regenerated, or access keys are disabled on the cache. ' +
      'Set `accessKey` to the primary or secondary key (Azure portal, Authentication), or log in with an identity.'
    );
  }
  return (
    `The cache refused the identity with the object id (user name) ${username}: assign it an access policy on this ` +
    'cache, and check that Microsoft Entra authentication is enabled on the cache.'
  );
}

export function isWrongPass(reply: ReplyError): boolean {
  return reply.message.startsWith('WRONGPASS');
}

/** Whether the server did not run a command because the connection is not logged in; the reply to EXEC has a prefix. */
function isNoAuth(reply: ReplyError): boolean {
  return /^(?:EXECABORT .*)?NOAUTH/.test(reply.message);
}

/** Whether the server did not run a command, or ended one that blocks, since after a failover it is not the primary or has no data yet. */
function isFailover(reply: ReplyError): boolean {
  return /^(?:READONLY|LOADING|MASTERDOWN|UNBLOCKED force)\b/.test(reply.message);
}

/** How long a new login may wait for credentials, in ms. */
const LOGIN_TIMEOUT = 30_000;

/** How often a command is sent again that finds no primary; about 16 s in all, longer than a failover on Azure takes. */
const MAX_FAILOVERS = 8;

/** The waits before a connection is replaced on which no primary answers either, in ms. */
const FAILOVER_RETRY: Backoff = { minTimeout: 100, maxTimeout: 5_000, factor: 2, randomize: true };

/** The commands that were sent again after NOAUTH. */
const loggedInFor = new WeakSet<Command>();

/** How often a command was sent again after a failover. */
const failovers = new WeakMap<Command, number>();

/**
 * Sends again the commands of a connection that the server refused for a reason that is not theirs. It has not run them, so
 * that sending them again is safe.
 */
export class RefusedCommands {
  readonly #connection: Connection;
  readonly #provider: CredentialsProvider;
  readonly #managed: ManagedClient;
  /** Those refused with NOAUTH: all that were written before the new login are. */
  #notLoggedIn: Command[] = [];
  #isReplaced = false;

  constructor(connection: Connection, provider: CredentialsProvider, managed: ManagedClient) {
    this.#connection = connection;
    this.#provider = provider;
    this.#managed = managed;
  }

  /** Sends a refused command again; returns `false` if it is to be rejected. */
  retry(item: CommandItem, reply: ReplyError): boolean {
    const { command } = item;
    const { client, isReset } = this.#connection;
    const userDecides = typeof client.options.reconnectOnError === 'function';
    if (client.status !== 'ready' || userDecides || isLogin(command)) return false;
    if (isFailover(reply)) return !isWait(command) && this.#sendToPrimary(item);
    if (!isNoAuth(reply)) return false;
    if (!isReset) return this.#sendOnceLoggedIn(command);
    sendOnNextConnection(client, item);
    return true;
  }

  #sendOnceLoggedIn(command: Command): boolean {
    if (loggedInFor.has(command)) return false;
    loggedInFor.add(command);
    this.#notLoggedIn.push(command);
    if (this.#notLoggedIn.length === 1) void this.#logIn();
    return true;
  }

  async #logIn(): Promise<void> {
    const { client, signal, transaction } = this.#connection;
    let failure: unknown;
    try {
      await this.#provider.waitUntilUsable(AbortSignal.timeout(LOGIN_TIMEOUT));
      await this.#connection.authenticate(this.#provider);
      await transaction.over();
    } catch (error) {
      failure = error;
    }
    // The commands that were written before the login were answered before it, so the list is complete. Sending them
    // in one tick keeps a transaction among them in one piece.
    const commands = this.#notLoggedIn;
    this.#notLoggedIn = [];
    for (const command of commands) {
      // If the connection has closed, ioredis keeps them for the next one.
      if (failure instanceof Error && !signal.closed) command.reject(failure);
      else sendAgain(client, command);
    }
  }

  /** A part of a transaction alone must not be sent again. A cluster itself finds the primary of its nodes. */
  #sendToPrimary(item: CommandItem): boolean {
    const { command } = item;
    const { client, transaction } = this.#connection;
    const failures = failovers.get(command) ?? 0;
    const isPart = transaction.isOpen || isInTransaction(client, command);
    if (failures === MAX_FAILOVERS || isPart || !reconnectsByItself(client)) return false;
    failovers.set(command, failures + 1);
    this.#findPrimary(failures);
    // In the order of the replies.
    sendOnNextConnection(client, item);
    return true;
  }

  #findPrimary(failures: number): void {
    if (this.#isReplaced) return;
    this.#isReplaced = true;
    const delay = failures > 0 ? backoffDelay(failures, FAILOVER_RETRY) : 0;
    pause(delay, this.#connection.signal)
      .then(() => this.#managed.replaceConnection('failover'))
      .catch(ignoreClosed);
  }
}
