import type { ManagedClient } from '../connection/managed-client.js';
import type { CredentialsProvider } from '../credentials/credentials.js';
import { reconnectsByItself, type Command } from '../ioredis/client.js';
import { ProbeConnection } from '../ioredis/probe-connection.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import type { Pulse } from './pulse.js';

/** A connection that owes a reply. */
export interface Suspect {
  readonly client: ManagedClient;
  readonly pulse: Pulse;
  /** Whether its reply is late. */
  readonly isLate: boolean;
}

/** The server must have answered the probe for this share of `heartbeatTimeout`: one that was slow has then answered the others too. */
const ANSWERING_SHARE = 3 / 8;

/** How many connections are replaced in a second, each with a TLS handshake and a login. */
const REPLACEMENTS_PER_SECOND = 100;

/** How long a cluster waits for a node that does not answer at all, in ms: `cluster-node-timeout`, 15 s by default, and its failover. */
const NODE_TIMEOUT = 30_000;

/** The waits between the attempts of a probe that is not answered, in ms. */
const RETRY_PROBE: Backoff = { minTimeout: 1_000, maxTimeout: 10_000, factor: 2, randomize: true };

/** The commands that were sent again: if they are not answered then either, the server holds them back. */
const sentAgain = new WeakSet<Command>();

/**
 * Decides which connections to one server are unresponsive.
 *
 * If the server is slow, no connection is answered, nor is the probe: all are kept. If the probe is answered, so would be the
 * commands that every working server answers at once. A server may still hold back others (`CLIENT PAUSE WRITE` in a
 * failover, or a slow shard behind a proxy): of the connections that await a fast command, one is replaced, and the others
 * follow once it has received its reply. A command that may be slow is waited for.
 */
export class Server {
  /** Those that owe a reply by the present observation. */
  readonly suspects: Suspect[] = [];
  readonly #provider: CredentialsProvider;
  readonly #timeout: number;
  readonly #mostReplacements: number;
  readonly #probe = new Probe();
  /** Whether a fast command that was not answered on one connection was answered on its replacement. */
  #answersElsewhere = false;
  #trials = 0;
  #nextTrialAt = 0;

  /**
   * @param timeout The `heartbeatTimeout`, in ms.
   * @param period The time between two observations, in ms.
   */
  constructor(provider: CredentialsProvider, timeout: number, period: number) {
    this.#provider = provider;
    this.#timeout = timeout;
    this.#mostReplacements = Math.max(1, Math.floor((REPLACEMENTS_PER_SECOND * period) / 1_000));
  }

  /** Replaces the unresponsive ones of the suspects. Returns whether there were any. */
  review(): boolean {
    const suspects = this.suspects.splice(0);
    const [first] = suspects;
    if (first) {
      const connect = () => new ProbeConnection(first.client.client, this.#provider.current);
      this.#probe.ask(this.#timeout, connect);
    }
    let replaced = 0;
    for (const { client, pulse, isLate } of suspects) {
      if (replaced < this.#mostReplacements && isLate && this.#replaces(client, pulse)) replaced += 1;
    }
    return replaced > 0;
  }

  close(): void {
    this.#probe.close();
  }

  #replaces(client: ManagedClient, pulse: Pulse): boolean {
    if (this.#probe.answeringFor >= this.#timeout * ANSWERING_SHARE) {
      if (!pulse.isAnsweredAtOnce && !this.#maySendAgain(pulse)) return false;
      client.replaceUnresponsive(pulse.silence, pulse.awaitedName);
      return true;
    }
    // A cluster can use another node.
    const isGivenUp = this.#probe.isUnreachable || pulse.silence >= NODE_TIMEOUT;
    if (reconnectsByItself(client.client) || !isGivenUp) return false;
    client.abandonUnresponsive(pulse.silence, pulse.awaitedName);
    return true;
  }

  /** Whether the command that is awaited may be sent again on another connection, once. */
  #maySendAgain({ awaited, isFast }: Pulse): boolean {
    if (!awaited || !isFast || sentAgain.has(awaited)) return false;
    const now = performance.now();
    if (!this.#answersElsewhere && now < this.#nextTrialAt) return false;
    sentAgain.add(awaited);
    if (this.#answersElsewhere) return true;
    this.#nextTrialAt = now + this.#timeout * 2 ** this.#trials;
    this.#trials += 1;
    awaited.promise.then(
      () => {
        this.#answersElsewhere = true;
      },
      // A rejected command says nothing about its connection.
      () => undefined,
    );
    return true;
  }
}

/** Finds out whether a server answers, over one connection at a time. */
class Probe {
  #connection: ProbeConnection | undefined;
  /** When the pending PING was sent (`performance.now()`). */
  #askedAt: number | undefined;
  #answeringSince: number | undefined;
  #failures = 0;
  #nextAttemptAt = 0;
  /** Whether the last attempt did not reach the server. */
  isUnreachable = false;

  /** For how long the server has answered every PING, in ms. */
  get answeringFor(): number {
    return this.#answeringSince === undefined ? 0 : performance.now() - this.#answeringSince;
  }

  /** Sends the next PING, which must be answered within `timeout` ms; does nothing while one is pending. */
  ask(timeout: number, connect: () => ProbeConnection): void {
    const now = performance.now();
    if (this.#askedAt !== undefined && now - this.#askedAt > timeout) this.#failed(this.#connection);
    if (this.#askedAt !== undefined || now < this.#nextAttemptAt) return;
    this.#askedAt = now;
    const connection = (this.#connection ??= connect());
    connection.ping().then(
      () => {
        if (connection !== this.#connection) return;
        this.#askedAt = undefined;
        this.#answeringSince ??= performance.now();
        this.#failures = 0;
      },
      () => {
        this.#failed(connection);
      },
    );
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#askedAt = undefined;
    this.#answeringSince = undefined;
  }

  #failed(connection: ProbeConnection | undefined): void {
    if (!connection || connection !== this.#connection) return;
    this.isUnreachable = connection.isUnreachable;
    this.close();
    this.#failures += 1;
    this.#nextAttemptAt = performance.now() + backoffDelay(this.#failures, RETRY_PROBE);
  }
}
