import type { CredentialsProvider } from '../credentials/credentials.js';
import { onReply, reconnectsByItself, type Client, type Command } from '../ioredis/client.js';
import { ProbeConnection } from '../ioredis/probe-connection.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { CloseSignal, ignoreClosed, pause, settlesWithin } from '../timing/close-signal.js';
import type { Pulse } from './pulse.js';

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
  /** When a connection to it was last found to owe a reply (`performance.now()`). */
  suspectedAt = 0;
  /** Those whose replies are late by the present observation. */
  readonly late: Pulse[] = [];
  readonly #timeout: number;
  readonly #mostReplacements: number;
  readonly #closing = new CloseSignal();
  /** Since when the server has answered every probe (`performance.now()`). */
  #answeringSince = Infinity;
  /** Whether the last probe did not reach the server. */
  #isUnreachable = false;
  #nextTrialAt = 0;
  /** The wait after the next trial, in ms; 0 once a fast command was answered on the replacement of its connection. */
  #trialInterval: number;

  /**
   * @param template A client of the server.
   * @param timeout The `heartbeatTimeout`, in ms.
   * @param period The time between two observations, in ms.
   */
  constructor(template: Client, provider: CredentialsProvider, timeout: number, period: number) {
    this.#timeout = timeout;
    this.#mostReplacements = Math.max(1, Math.floor((REPLACEMENTS_PER_SECOND * period) / 1_000));
    this.#trialInterval = timeout;
    this.#probe(template, provider, period).catch(ignoreClosed);
  }

  /** Replaces those of the late ones that are unresponsive. Returns whether there were any. */
  replaceUnresponsive(): boolean {
    let replaced = 0;
    for (const pulse of this.late.splice(0)) {
      if (replaced < this.#mostReplacements && this.#replaces(pulse)) replaced += 1;
    }
    return replaced > 0;
  }

  close(): void {
    this.#closing.close();
  }

  /** Finds out whether the server answers, over one connection at a time, until this is closed. */
  async #probe(template: Client, provider: CredentialsProvider, period: number): Promise<void> {
    for (let failures = 0; ;) {
      const connection = new ProbeConnection(template, provider.current);
      try {
        while (await this.#isAnswered(connection)) {
          failures = 0;
          this.#answeringSince = Math.min(this.#answeringSince, performance.now());
          await pause(period, this.#closing);
        }
        this.#answeringSince = Infinity;
        this.#isUnreachable = connection.isUnreachable;
      } finally {
        connection.close();
      }
      failures += 1;
      await pause(backoffDelay(failures, RETRY_PROBE), this.#closing);
    }
  }

  async #isAnswered(connection: ProbeConnection): Promise<boolean> {
    const answer = connection.ping();
    return (await settlesWithin(this.#timeout, answer, this.#closing)) && answer;
  }

  #replaces(pulse: Pulse): boolean {
    const { client, silence, awaitedName } = pulse;
    if (performance.now() - this.#answeringSince >= this.#timeout * ANSWERING_SHARE) {
      if (!pulse.isAnsweredAtOnce && !this.#maySendAgain(pulse)) return false;
      client.replaceUnresponsive(silence, awaitedName);
      return true;
    }
    // A cluster can use another node.
    const isGivenUp = this.#isUnreachable || silence >= NODE_TIMEOUT;
    if (reconnectsByItself(client.client) || !isGivenUp) return false;
    client.abandonUnresponsive(silence, awaitedName);
    return true;
  }

  /** Whether the command that is awaited may be sent again on another connection, once. */
  #maySendAgain({ awaited, isFast }: Pulse): boolean {
    const now = performance.now();
    if (!awaited || !isFast || sentAgain.has(awaited) || now < this.#nextTrialAt) return false;
    sentAgain.add(awaited);
    this.#nextTrialAt = now + this.#trialInterval;
    this.#trialInterval *= 2;
    // A rejected command says nothing about its connection.
    onReply(awaited, () => {
      this.#nextTrialAt = 0;
      this.#trialInterval = 0;
    });
    return true;
  }
}
