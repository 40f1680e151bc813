import { blockingTime } from '../ioredis/blocking-command.js';
import type { Client, Command } from '../ioredis/client.js';
import { isLoggingIn, vitalSignsOf } from '../ioredis/client-state.js';
import { Silence } from './silence.js';

/** The commands that a server in operation answers immediately, whatever its data and load. */
const ANSWERED_AT_ONCE = /^(?:ping|auth|hello|select|client|quit|[ps]?(?:un)?subscribe)$/i;

/** Whether a client's connection answers, and how long its replies may take. */
export class Liveness {
  readonly #client: Client;
  readonly #silence = new Silence();
  /** The command during which the last connection was silent. */
  #suspected: WeakRef<Command> | undefined;
  /** How many connections were silent during that command. */
  #repetitions = 0;
  #stalls = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** How many of the client's connections were replaced because they were silent. */
  get stalls(): number {
    return this.#stalls;
  }

  /** For how long the connection has been silent while a reply is due, in ms. */
  get silence(): number {
    return this.#silence.duration;
  }

  /** The name of the command whose reply is due next; `MONITOR` on a connection in that mode. */
  get awaited(): string {
    return this.#awaitedCommand?.name.toUpperCase() ?? 'MONITOR';
  }

  /** Whether the server answers the command that is due immediately. */
  get isAnsweredAtOnce(): boolean {
    const command = this.#awaitedCommand;
    return !command || isLoggingIn(this.#client) || ANSWERED_AT_ONCE.test(command.name);
  }

  /** @param elapsed The time since the last observation, in ms. */
  observe(elapsed: number): void {
    this.#silence.observe(vitalSignsOf(this.#client), elapsed);
  }

  /**
   * The time before `heartbeatTimeout` begins, in ms: while a command blocks, `Infinity` if it blocks without a limit. In
   * MONITOR mode, the heartbeat interval, since a server without traffic has nothing to send.
   */
  grace(heartbeatInterval: number): number {
    const command = this.#awaitedCommand;
    if (command) return blockingTime(command);
    return heartbeatInterval > 0 ? heartbeatInterval : Infinity;
  }

  /**
   * The factor by which the reply may take longer than `heartbeatTimeout`. A command during which several connections in
   * a row were silent is itself slow: the time doubles with each connection.
   */
  get patience(): number {
    return this.#awaitedCommand === this.#suspected?.deref() ? 2 ** this.#repetitions : 1;
  }

  /**
   * The connection is replaced.
   *
   * @returns A promise that resolves once the command whose reply was due is settled.
   */
  stalled(): Promise<unknown> {
    const command = this.#awaitedCommand;
    this.#stalls += 1;
    this.#repetitions = command && command === this.#suspected?.deref() ? this.#repetitions + 1 : 1;
    this.#suspected = command && new WeakRef(command);
    return command?.promise.catch(() => undefined) ?? Promise.resolve();
  }

  get #awaitedCommand(): Command | undefined {
    return vitalSignsOf(this.#client)?.awaited;
  }
}
