import type { ManagedClient } from '../connection/managed-client.js';
import type { CredentialsProvider } from '../credentials/credentials.js';
import { reconnectsByItself, type Command } from '../ioredis/client.js';
import { ProbeConnection } from '../ioredis/probe-connection.js';
import { Probe } from './probe.js';
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
    if (first) this.#probe.ask(timeout, () => new ProbeConnection(first.client.client, provider.current));
    const most = Math.max(1, Math.floor((REPLACEMENTS_PER_SECOND * period) / 1_000));
    let replaced = 0;
    for (const { client, pulse, isLate } of suspects) {
      if (replaced < most && isLate && this.#replaces(client, pulse, timeout)) replaced += 1;
    }
    return replaced > 0;
  }

  close(): void {
    this.#probe.close();
  }

  #replaces(client: ManagedClient, pulse: Pulse, timeout: number): boolean {
    if (this.#probe.answeringFor >= timeout * ANSWERING_SHARE) {
      if (!pulse.isAnsweredAtOnce && !this.#maySendAgain(pulse, timeout)) return false;
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
  #maySendAgain({ awaited, isFast }: Pulse, timeout: number): boolean {
    if (!awaited || !isFast || sentAgain.has(awaited)) return false;
    const now = performance.now();
    if (!this.#isProven && now < this.#nextTrialAt) return false;
    sentAgain.add(awaited);
    if (this.#isProven) return true;
    this.#nextTrialAt = now + timeout * 2 ** this.#trials;
    this.#trials += 1;
    const proven = (): void => {
      this.#isProven = true;
    };
    // A rejected command says nothing about its connection.
    awaited.promise.then(proven, () => undefined);
    return true;
  }
}
