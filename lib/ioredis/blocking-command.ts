import { sendAgain } from './client-state.js';
import { isPending, type Client, type Command } from './client.js';
import { lowerCase, startOfOptions, streamsOption } from './stream-arguments.js';

/** The blocking commands, with the position and the unit of their timeout. */
const TIMEOUTS: Readonly<Record<string, { position: 'first' | 'last' | 'block'; unit: 's' | 'ms' }>> = {
  blpop: { position: 'last', unit: 's' },
  brpop: { position: 'last', unit: 's' },
  brpoplpush: { position: 'last', unit: 's' },
  blmove: { position: 'last', unit: 's' },
  bzpopmin: { position: 'last', unit: 's' },
  bzpopmax: { position: 'last', unit: 's' },
  blmpop: { position: 'first', unit: 's' },
  bzmpop: { position: 'first', unit: 's' },
  xread: { position: 'block', unit: 'ms' },
  xreadgroup: { position: 'block', unit: 'ms' },
  wait: { position: 'last', unit: 'ms' },
  waitaof: { position: 'last', unit: 'ms' },
};

/** How long a blocking command may block, and when it may be sent again. */
export interface BlockingRules {
  /** The longest time that a command may block from now on, in ms. */
  limit(): number;
  /** Calls `send` as soon as no transaction is open. */
  outsideTransaction(send: () => void): void;
}

const known = new WeakMap<Command, BlockingCommand>();

/**
 * Limits how long a command blocks at a time, so that AUTH gets through before the credentials expire. The server itself
 * ends each turn, with a `null` instead of an item, so that no item is lost. It could be if the connection were closed: the
 * server may remove an item for a connection that is being closed.
 *
 * All turns together, including those on a later connection, last as long as the timeout of the command.
 */
export function limitBlocking(client: Client, command: Command, rules: BlockingRules): void {
  const index = timeoutIndex(command);
  if (index === undefined) return;
  let blocking = known.get(command);
  if (!blocking) {
    blocking = new BlockingCommand(command, index);
    known.set(command, blocking);
  }
  blocking.sentOn(client, rules);
}

/**
 * How long a command may block before it is answered, in ms: `Infinity` if without a limit, 0 for a command that does not
 * block.
 */
export function blockingTime(command: Command): number {
  return known.get(command)?.turn ?? 0;
}

/** A blocking command, through all of its turns. */
class BlockingCommand {
  readonly #command: Command;
  readonly #index: number;
  readonly #unit: number;
  #client: Client | undefined;
  #rules: BlockingRules | undefined;
  /** When the timeout of the command ends (`performance.now()`), counted from when it was first written. */
  #deadline: number | undefined;
  /** The length of the current turn, in ms. */
  #turn = 0;
  /** Whether the current turn ends before the timeout does. */
  #isLimited = false;
  #isRejected = false;

  constructor(command: Command, index: number) {
    this.#command = command;
    this.#index = index;
    this.#unit = TIMEOUTS[command.name.toLowerCase()]?.unit === 'ms' ? 1 : 1_000;
    const { toWritable, resolve, reject } = command;
    command.toWritable = (socket) => {
      const { args } = command;
      command.args = args.with(index, this.#nextTimeout());
      try {
        return toWritable.call(command, socket);
      } finally {
        command.args = args;
      }
    };
    command.resolve = (reply) => {
      if (this.#hasMoreTurns(reply)) this.#sendAgain();
      else resolve.call(command, reply);
    };
    command.reject = (error) => {
      this.#isRejected = true;
      reject.call(command, error);
    };
  }

  get turn(): number {
    return this.#turn;
  }

  /** A `Cluster` may send it to one node after another. */
  sentOn(client: Client, rules: BlockingRules): void {
    this.#client = client;
    this.#rules = rules;
    this.#isRejected = false;
  }

  /** The timeout of the next turn, as the command's argument. */
  #nextTimeout(): unknown {
    const given = this.#command.args[this.#index];
    const total = Number(String(given)) * this.#unit;
    // The server rejects it.
    if (!(total >= 0)) return given;
    const now = performance.now();
    const isFirst = this.#deadline === undefined;
    this.#deadline ??= total === 0 ? Infinity : now + total;
    const left = this.#deadline - now;
    const limit = this.#mayBeLimited ? (this.#rules?.limit() ?? Infinity) : Infinity;
    this.#isLimited = limit < left;
    this.#turn = Math.min(limit, left);
    if (!this.#isLimited && (isFirst || left === Infinity)) return given;
    // 0 would block without a limit.
    const turn = Math.max(1, Math.round(Math.min(limit, left)));
    return String(turn / this.#unit);
  }

  /**
   * Not in a pipeline, whose commands are sent together. WAIT and WAITAOF apply to the writes of their connection, and
   * return a count instead of `null`.
   */
  get #mayBeLimited(): boolean {
    return this.#command.pipelineIndex === undefined && !/^wait/i.test(this.#command.name);
  }

  /** Not if the client itself resolves the command, or has rejected it, for example after `commandTimeout`. */
  #hasMoreTurns(reply: unknown): boolean {
    if (reply !== null || !this.#isLimited || this.#isRejected) return false;
    return this.#client !== undefined && !isPending(this.#client, this.#command);
  }

  #sendAgain(): void {
    this.#rules?.outsideTransaction(() => {
      if (this.#client) sendAgain(this.#client, this.#command);
    });
  }
}

function timeoutIndex({ name, args }: Command): number | undefined {
  switch (TIMEOUTS[name.toLowerCase()]?.position) {
    case 'first':
      return 0;
    case 'last':
      return args.length - 1;
    case 'block':
      return blockOption(args);
    default:
      return undefined;
  }
}

/** The position of BLOCK's argument among the options of XREAD and XREADGROUP, which end at STREAMS. */
function blockOption(args: readonly unknown[]): number | undefined {
  const options = args.slice(0, streamsOption(args)).map(lowerCase);
  const block = options.indexOf('block', startOfOptions(args));
  return block === -1 ? undefined : block + 1;
}
