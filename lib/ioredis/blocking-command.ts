import type { Command } from './client.js';

/** The commands that block, and where and in which unit they take their timeout. */
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

const tracked = new WeakSet<Command>();

/** Whether this is a command that blocks until there is something to reply. */
export function isBlocking(command: Command): boolean {
  return timeoutIndex(command) !== undefined;
}

/**
 * Lets a blocking command that is sent again have the rest of its timeout, counted from when it was first written. With
 * the whole timeout each time, a command that blocks for longer than a token lives would never return.
 */
export function keepTimeout(command: Command): void {
  const index = timeoutIndex(command);
  if (index === undefined || tracked.has(command)) return;
  tracked.add(command);
  const { toWritable } = command;
  let firstWritten: number | undefined;
  command.toWritable = (socket) => {
    const { args } = command;
    firstWritten ??= performance.now();
    command.args = args.with(index, rest(command.name, args[index], performance.now() - firstWritten));
    try {
      return toWritable.call(command, socket);
    } finally {
      command.args = args;
    }
  };
}

/** What is left of a timeout, in its own unit; a timeout of 0 never ends. */
function rest(name: string, timeout: unknown, elapsed: number): unknown {
  const total = Number(String(timeout));
  if (!(total > 0) || elapsed < 1) return timeout;
  // 0 would block for ever.
  if (TIMEOUTS[name.toLowerCase()]?.unit === 'ms') return String(Math.max(1, Math.round(total - elapsed)));
  return Math.max(0.001, total - elapsed / 1_000).toFixed(3);
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
  const words = args.map((arg) => String(arg).toLowerCase());
  // The names of a group and of its consumer may be any words.
  const start = words[0] === 'group' ? 3 : 0;
  const streams = words.indexOf('streams', start);
  const block = words.slice(0, streams).indexOf('block', start);
  return block === -1 ? undefined : block + 1;
}
