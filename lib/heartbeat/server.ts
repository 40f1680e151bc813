import type { CredentialsProvider } from '../credentials/credentials.js';
import type { ManagedClient } from '../connection/managed-client.js';
import { reconnectsByItself, type Command } from '../ioredis/client.js';
import { ProbeConnection } from '../ioredis/probe-connection.js';
import { Probe } from './probe.js';
import type { Pulse } from './pulse.js';

/** The commands that were sent again: if they are not answered then either, the server holds them back. */
const tried = new WeakSet<Command>();

/** A connection that owes a reply. */
export interface Suspect {
  readonly client: ManagedClient;
  readonly pulse: Pulse;
  /** Whether its reply is late. */
  readonly isLate: boolean;
}

/**
 * The share of `heartbeatTimeout` for which the server must have answered the probe: a server that was slow has then
 * answered the connections that waited with it, too.
 */
const ANSWERING_SHARE = 3 / 8;

/** How many connections are replaced in a second, each with a TLS handshake and a login. */
const REPLACEMENTS_PER_SECOND = 100;

/**
 * How long a cluster waits for a node that does not answer at all, in ms: longer than the other nodes take to promote its
 * replica (`cluster-node-timeout` is 15 s by default).
 */
const NODE_TIMEOUT = 30_000;

/**
 * Decides which connections to one server are unresponsive.
 *
 * If the server is slow, no connection is answered, nor is the probe: all are kept. If the probe is answered, so would be the
 * commands that every working server answers at once. A server may still hold back others (`CLIENT PAUSE WRITE` in a
 * failover, or a slow shard behind a proxy): of the connections that await a fast command, one is replaced, and the others
 * follow once it has received its reply. A command that may be slow is waited for.
 */
export class Server {
  readonly #probe = new Probe();
  /** Whether a fast command that was not answered on one connection was answered on its replacement. */
  #isProven = false;
  #trials = 0;
  #nextTrialAt = 0;

  /**
   * Replaces the unresponsive ones of these connections.
   *
   * @param timeout The `heartbeatTimeout`, in ms.
   * @param period The time between two calls, in ms.
   * @returns whether one was replaced.
   */
  review(
    suspects: readonly Suspect[],
    provider: CredentialsProvider,
    timeout: number,
    period: number,
  ): boolean {
    const [first] = suspects;
    if (!first) return false;
    this.#probe.ask(timeout, () => new ProbeConnection(first.client.client, provider.current));
    const most = Math.max(1, Math.floor((REPLACEMENTS_PER_SECOND * period) / 1_000));
    let replaced = 0;
    for (const suspect of suspects) {
      if (replaced < most && suspect.isLate && this.#replaces(suspect, timeout)) replaced += 1;
    }
    return replaced > 0;
  }

  close(): void {
    this.#probe.close();
  }

  /** Replaces a connection, or leaves it to its owner, if it is unresponsive; returns whether it did. */
  #replaces({ client, pulse }: Suspect, timeout: number): boolean {
    if (this.#probe.answeringFor >= timeout * ANSWERING_SHARE) {
      if (!pulse.isAnsweredAtOnce && !this.#mayReplaceFast(pulse, timeout)) return false;
      client.replaceUnresponsive(pulse.silence, pulse.awaitedName);
      return true;
    }
    // A cluster can use another node.
    const isGivenUp = this.#probe.isUnreachable || pulse.silence >= NODE_TIMEOUT;
    if (reconnectsByItself(client.client) || !isGivenUp) return false;
    client.abandonUnresponsive(pulse.silence, pulse.awaitedName);
    return true;
  }

  /** Whether the connection, which awaits a command of the application, may be replaced. */
  #mayReplaceFast({ awaited, isFast }: Pulse, timeout: number): boolean {
    if (!awaited || !isFast || tried.has(awaited)) return false;
    const now = performance.now();
    if (!this.#isProven) {
      if (now < this.#nextTrialAt) return false;
      this.#nextTrialAt = now + timeout * 2 ** this.#trials;
      this.#trials += 1;
      awaited.promise.then(
        () => {
          this.#isProven = true;
        },
        // A rejected command says nothing about its connection.
        () => undefined,
      );
    }
    tried.add(awaited);
    return true;
  }
}
