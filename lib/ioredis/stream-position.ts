import { internals, type Client, type Command } from './client.js';
import { streamsOption } from './stream-arguments.js';

/** An id lower than that of any entry. */
const BEFORE_FIRST = '0-0';

const known = new WeakSet<Command>();

/**
 * Replaces the id `$` in an XREAD by the id that it stands for, once that is known. If the command is sent again, it would
 * otherwise skip the entries that were added meanwhile.
 *
 * The last id of each stream is read by a separate command, sent just before. Not in a pipeline, whose commands are written
 * together.
 */
export function resolveLastIds(client: Client, command: Command): void {
  if (command.name.toLowerCase() !== 'xread' || command.pipelineIndex !== undefined || known.has(command))
    return;
  known.add(command);
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
  try {
    const entries = await send(client, command, 'xrevrange', [key, '+', '-', 'COUNT', 1]);
    const [[id = BEFORE_FIRST] = []] = entries as [id?: string][];
    command.args = command.args.with(position, id);
  } catch {
    // The XREAD itself reports the error.
  }
}

/** Sends a command as the client does, but without its `keyPrefix`, which the key has already. */
async function send(
  client: Client,
  { constructor }: Command,
  name: string,
  args: unknown[],
): Promise<unknown> {
  const CommandClass = constructor as new (name: string, args: unknown[], options: object) => Command;
  const command = new CommandClass(name, args, { replyEncoding: 'utf8' });
  internals(client).sendCommand(command);
  return command.promise;
}
