import { internals, type Client, type Command } from './client.js';
import { isPending, sendAgain } from './queues.js';

const SECONDS = 1_000;
const MILLISECONDS = 1;

/** The blocking commands: the position of the timeout among the arguments, if they have one, and its unit in ms. */
const TIMEOUTS: Readonly<
  Record<string, { position: (args: readonly unknown[]) => number | undefined; unit: number }>
> = {
  blpop: { position: last, unit: SECONDS },
  brpop: { position: last, unit: SECONDS },
  brpoplpush: { position: last, unit: SECONDS },
  blmove: { position: last, unit: SECONDS },
  bzpopmin: { position: last, unit: SECONDS },
  bzpopmax: { position: last, unit: SECONDS },
  blmpop: { position: () => 0, unit: SECONDS },
  bzmpop: { position: () => 0, unit: SECONDS },
  xread: { position: blockOption, unit: MILLISECONDS },
  xreadgroup: { position: blockOption, unit: MILLISECONDS },
  wait: { position: last, unit: MILLISECONDS },
  waitaof: { position: last, unit: MILLISECONDS },
};

export const BLOCKING_COMMANDS: readonly string[] = Object.keys(TIMEOUTS);

/**
 * A blocking command ends its turn this long before its connection's credentials expire, in ms, or after the rest of this
 * share of what is left of them: earlier than a connection that does not answer AUTH is replaced.
 */
const UNBLOCK_BEFORE_EXPIRY = 45_000;
const UNBLOCK_SHARE = 0.6;

/** The shortest turn of a blocking command, in ms, which limits the rate of turns. */
const MIN_TURN = 250;

/** The longest turn of a blocking command, in ms, so that a connection that no longer answers is noticed. */
const MAX_TURN = 60_000;

/**
 * By how much the server may end a turn early, in ms: its clock stands still while it runs a command. A `null` that arrives
 * earlier is an answer of its own, to CLIENT UNBLOCK.
 */
const EARLY = 50;

/** How long a command may block on a connection whose credentials have `left` ms to live, in ms. */
function turnLimit(left: number): number {
  const limit = left - Math.min(UNBLOCK_BEFORE_EXPIRY, left * UNBLOCK_SHARE);
  return Math.max(MIN_TURN, Math.min(MAX_TURN, limit));
}

interface Sender {
  readonly client: Client;
  /** How long the credentials of its connection are valid, in ms. */
  readonly credentialsLeft: number;
  /** Calls `send` as soon as no transaction is open. */
  outsideTransaction(send: () => void): Promise<void>;
}

const known = new WeakMap<Command, BlockingCommand>();

/**
 * Limits how long a command blocks at a time, so that AUTH gets through before the credentials expire. The server itself
 * ends each turn, with a `null` instead of an item, so that no item is lost. It could be if the connection were closed: the
 * server may remove an item for a connection that is being closed.
 *
 * All turns together, including those on a later connection, last as long as the timeout of the command.
 */
export function limitBlocking(sender: Sender, command: Command): void {
  const { position, unit } = TIMEOUTS[command.name.toLowerCase()] ?? {};
  const index = position?.(command.args);
  if (index === undefined || unit === undefined) return;
  const blocking = known.get(command);
  if (blocking) blocking.sentBy(sender);
  else known.set(command, new BlockingCommand(command, index, unit, sender));
}

/** Whether this is WAIT or WAITAOF, which apply to the writes of their connection. */
export function isWait({ name }: Command): boolean {
  return /^wait/i.test(name);
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
  /** The length of the current turn, in ms. */
  turn = 0;
  readonly #command: Command;
  readonly #index: number;
  readonly #unit: number;
  #sender: Sender;
  /** When the timeout of the command ends (`performance.now()`), counted from when it was first written. */
  #deadline: number | undefined;
  /** When the current turn was written (`performance.now()`). */
  #writtenAt = 0;
  /** Whether the current turn ends before the timeout does. */
  #isLimited = false;
  #isSettled = false;

  constructor(command: Command, index: number, unit: number, sender: Sender) {
    this.#command = command;
    this.#index = index;
    this.#unit = unit;
    this.#sender = sender;
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
      const { client } = this.#sender;
      if (this.#hasMoreTurns(reply)) {
        void this.#sender.outsideTransaction(() => {
          sendAgain(client, command);
        });
        return;
      }
      this.#isSettled = true;
      resolve.call(command, reply);
    };
    command.reject = (error) => {
      this.#isSettled = true;
      reject.call(command, error);
    };
  }

  /** A `Cluster` may send it to one node after another. */
  sentBy(sender: Sender): void {
    this.#sender = sender;
    this.#isSettled = false;
  }

  /** The timeout of the next turn, as the command's argument. */
  #nextTimeout(): unknown {
    const given = this.#command.args[this.#index];
    const total = Number(String(given)) * this.#unit;
    // The server rejects it.
    if (!(total >= 0)) return given;
    const now = performance.now();
    this.#writtenAt = now;
    const isFirst = this.#deadline === undefined;
    this.#deadline ??= total === 0 ? Infinity : now + total;
    const left = this.#deadline - now;
    // A pipeline is written in one go. WAIT and WAITAOF return a count, not `null`.
    const isWhole = this.#command.pipelineIndex !== undefined || isWait(this.#command);
    const limit = isWhole ? Infinity : turnLimit(this.#sender.credentialsLeft);
    this.#isLimited = limit < left;
    this.turn = Math.min(limit, left);
    if (!this.#isLimited && (isFirst || left === Infinity)) return given;
    // 0 would block without a limit.
    const turn = Math.max(1, Math.round(Math.min(limit, left)));
    return String(turn / this.#unit);
  }

  /** False if ioredis settled the command itself, after `commandTimeout` or `blockingTimeout`. */
  #hasMoreTurns(reply: unknown): boolean {
    if (reply !== null || !this.#isLimited || this.#isSettled) return false;
    if (performance.now() - this.#writtenAt < this.turn - EARLY) return false;
    return !isPending(this.#sender.client, this.#command);
  }
}

function last(args: readonly unknown[]): number {
  return args.length - 1;
}

/** The position of BLOCK's argument among the options of XREAD and XREADGROUP, which end at STREAMS. */
function blockOption(args: readonly unknown[]): number | undefined {
  const options = args.slice(0, streamsOption(args)).map(lowerCase);
  const block = options.indexOf('block', startOfOptions(args));
  return block === -1 ? undefined : block + 1;
}

/** Where the options of XREAD and XREADGROUP begin: the names of a group and of its consumer may be any words. */
function startOfOptions(args: readonly unknown[]): number {
  return lowerCase(args[0]) === 'group' ? 3 : 0;
}

/** The position of the word STREAMS, which the keys follow, and one id for each key; -1 without it. */
function streamsOption(args: readonly unknown[]): number {
  return args.map(lowerCase).indexOf('streams', startOfOptions(args));
}

function lowerCase(arg: unknown): string {
  return String(arg).toLowerCase();
}

const BEFORE_FIRST = '0-0';

/**
 * Replaces the id `$` in an XREAD by the id that it stands for, once that is known. If the command is sent again, it would
 * otherwise skip the entries that were added meanwhile. Until it is known, as on a node of a cluster that answers MOVED, it is
 * asked for again.
 *
 * The last id of each stream is read by a separate command, sent just before. A pipeline is left alone: its commands are
 * written together.
 */
export function resolveLastIds(client: Client, command: Command): void {
  if (command.name.toLowerCase() !== 'xread' || command.pipelineIndex !== undefined) return;
  const { args } = command;
  const firstKey = streamsOption(args) + 1;
  const count = (args.length - firstKey) / 2;
  for (let index = firstKey; index < firstKey + count; index += 1) {
    if (String(args[index + count]) === '$') void resolveLastId(client, command, args[index], index + count);
  }
}

async function resolveLastId(
  client: Client,
  command: Command,
  key: unknown,
  position: number,
): Promise<void> {
  const CommandClass = command.constructor as new (name: string, args: unknown[], options: object) => Command;
  // Not by a method of the client, which would add its `keyPrefix` to the key again.
  const asking = new CommandClass('xrevrange', [key, '+', '-', 'COUNT', 1], { replyEncoding: 'utf8' });
  try {
    internals(client).sendCommand(asking);
    const [[id = BEFORE_FIRST] = []] = (await asking.promise) as [id?: string][];
    command.args = command.args.with(position, id);
  } catch {
    // The XREAD itself reports the error.
  }
}
