import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { AzureRedisError } from 'ioredis-azure';
import { CommandFailure, UsageError } from '../exit-code.js';
import { Output } from '../output.js';
import {
  type ControlReply,
  type ControlRequest,
  type RunningEmulator,
  runningEmulators,
} from './control-protocol.js';
import { type FaultName, isLastingFault } from './faults.js';
import { formatDuration } from './flags.js';

/** The flags of `recover`. */
export interface RecoverFlags {
  readonly name?: string;
  readonly port?: number;
  readonly json?: boolean;
}

/** The flags of `fail`. */
export interface ControlFlags extends RecoverFlags {
  /** In ms. */
  readonly for?: number;
}

/** Begins a fault of a running emulator. */
export async function fail(fault: FaultName, flags: ControlFlags): Promise<void> {
  const request: ControlRequest = isLastingFault(fault)
    ? { action: 'fail', fault, duration: flags.for }
    : { action: 'drop' };
  await control(request, flags, ({ dropped }, { name }) => {
    if (dropped !== undefined) return `${dropped} connection(s) of emulator ${name} closed.`;
    const end = flags.for === undefined ? 'until `recover`' : `for ${formatDuration(flags.for)}`;
    return `Emulator ${name} fails: ${fault}, ${end}.`;
  });
}

/** Ends a fault of a running emulator, or all. */
export async function recover(fault: string | undefined, flags: RecoverFlags): Promise<void> {
  if (fault !== undefined && !isLastingFault(fault)) {
    throw new UsageError(`'${fault}' is not a fault that lasts.`);
  }
  await control({ action: 'recover', fault }, flags, ({ ended = [] }, { name }) =>
    ended.length === 0
      ? `Emulator ${name} had no such fault.`
      : `Emulator ${name} has recovered: ${ended.join(', ')}.`,
  );
}

async function control(
  request: ControlRequest,
  flags: RecoverFlags,
  describe: (reply: ControlReply, emulator: RunningEmulator) => string,
): Promise<void> {
  const output = new Output(flags);
  const running = await runningEmulators();
  const emulator = selected(running, flags);
  if (typeof emulator === 'string') throw new CommandFailure(emulator, listOf(running));
  const reply = await send(request, emulator);
  const { name, port } = emulator;
  if (output.isJson) output.json({ name, port, ...request, ...reply });
  else output.line(describe(reply, emulator));
}

/** The emulator meant, or why there is none. */
function selected(
  running: readonly RunningEmulator[],
  { name, port }: RecoverFlags,
): RunningEmulator | string {
  const matching = running.filter(
    (each) => (name === undefined || each.name === name) && (port === undefined || each.port === port),
  );
  const [emulator, another] = matching;
  if (!emulator) return 'No such emulator runs.';
  return another ? 'Several emulators run: select one with --name or --port.' : emulator;
}

function listOf(running: readonly RunningEmulator[]): string {
  if (running.length === 0) return 'Start one: ioredis-azure emulator.';
  return `Running: ${running.map(({ name, port }) => `${name} (port ${port})`).join(', ')}.`;
}

async function send(request: ControlRequest, { name, socket: path }: RunningEmulator): Promise<ControlReply> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(request)}\n`);
    // The other side is this same command.
    const reply = JSON.parse(await text(socket)) as ControlReply;
    if (reply.error === undefined) return reply;
    throw new Error(reply.error);
  } catch (error) {
    throw new AzureRedisError(
      'CONNECTION_FAILED',
      `Emulator ${name} does not answer the request.`,
      'It may have ended in the meantime, or be of another version.',
      { cause: error },
    );
  } finally {
    socket.destroy();
  }
}
