import { Probe, type ProbeTarget } from './probe.js';

/** A suspected connection. */
export interface SilentConnection {
  /** For how long, in ms. */
  readonly silence: number;
  /** Whether it has been silent for longer than its reply may take. */
  readonly isOverdue: boolean;
  /** Whether the server answers the command that is due immediately, so that a missing reply is a fault of the connection. */
  readonly isAnsweredAtOnce: boolean;
  /** Whether its owner can use other servers, as a cluster can. */
  readonly hasAlternatives: boolean;
  /** Creates a second connection, which finds out whether the server answers. */
  createProbe(): ProbeTarget;
  /** Replaces it. The promise resolves once the reply that was due has arrived over another connection. */
  replace(): Promise<unknown>;
  /** Closes it, so that its owner uses another server. */
  abandon(): void;
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
 * Decides which of the silent connections to one server are dead.
 *
 * If the server is slow, all of its connections are silent, including the probe: they are kept. If the probe is answered, a
 * connection is dead if it awaits the reply to a command that is answered immediately. Where the command itself may be slow,
 * one connection is replaced, and the others follow once that one has received its reply.
 */
export class EndpointHealth {
  readonly #probe = new Probe();
  /** Whether a command that was silent on one connection was answered on its replacement. */
  #isProven = false;
  #trials = 0;
  #nextTrialAt = 0;

  /**
   * Replaces the dead ones of these silent connections.
   *
   * @param timeout The `heartbeatTimeout`, in ms.
   * @param period The time between two calls, in ms.
   * @returns whether a connection was replaced.
   */
  review(connections: readonly SilentConnection[], timeout: number, period: number): boolean {
    const [first] = connections;
    if (!first) {
      this.close();
      return false;
    }
    this.#probe.ask(timeout, () => first.createProbe());
    let left = Math.max(1, Math.floor((REPLACEMENTS_PER_SECOND * period) / 1_000));
    const before = left;
    for (const connection of connections) {
      if (left > 0 && connection.isOverdue && this.#settle(connection, timeout)) left -= 1;
    }
    return left < before;
  }

  /** Resets the state: no connection is silent any more. */
  close(): void {
    this.#probe.close();
    this.#isProven = false;
    this.#trials = 0;
    this.#nextTrialAt = 0;
  }

  /** Replaces or closes a connection that is dead; returns whether it did. */
  #settle(connection: SilentConnection, timeout: number): boolean {
    if (this.#probe.answeringFor >= timeout * ANSWERING_SHARE) {
      if (connection.isAnsweredAtOnce || this.#isProven) void connection.replace();
      else return this.#try(connection, timeout);
      return true;
    }
    const isGivenUp = this.#probe.isUnreachable || connection.silence >= NODE_TIMEOUT;
    if (!connection.hasAlternatives || !isGivenUp) return false;
    connection.abandon();
    return true;
  }

  /** Replaces one connection to find out whether the reply arrives; if not, the next trial follows after twice the time. */
  #try(connection: SilentConnection, timeout: number): boolean {
    const now = performance.now();
    if (now < this.#nextTrialAt) return false;
    this.#nextTrialAt = now + timeout * 2 ** this.#trials;
    this.#trials += 1;
    void connection.replace().then(() => {
      this.#isProven = true;
    });
    return true;
  }
}
