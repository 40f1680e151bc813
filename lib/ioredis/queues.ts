import { once } from 'node:events';
import { internals, type Client, type Command, type CommandItem, type CommandQueue } from './client.js';

const CONNECTION_CLOSED = 'Connection is closed.';

/**
 * Removes commands from one of ioredis' queues and rejects them in order; by default all of them, with the error of a closed
 * connection.
 */
export function rejectQueued(
  queue: CommandQueue | null | undefined,
  matches: (command: Command) => boolean = () => true,
  error: () => Error = () => new Error(CONNECTION_CLOSED),
): void {
  if (!queue) return;
  const removed: Command[] = [];
  for (let index = queue.length - 1; index >= 0; index -= 1) {
    const command = queue.peekAt(index)?.command;
    if (!command || !matches(command)) continue;
    queue.remove(index, 1);
    removed.push(command);
  }
  for (const command of removed.reverse()) command.reject(error());
}

/** The queued commands of a transaction that the server has opened, and that ends with the connection. */
export function transactionFragment(queue: CommandQueue, isOpen: boolean): ReadonlySet<Command> {
  const commands = [...commandsOf(queue)];
  const end = commands.findIndex(({ name }) => /^(?:exec|discard)$/i.test(name));
  const start = commands.findIndex(({ name }) => /^multi$/i.test(name));
  const isCutOff = end !== -1 && (start === -1 || end < start);
  if (isCutOff) return new Set(commands.slice(0, end + 1));
  return new Set(isOpen ? commands : []);
}

/** Whether a command whose reply has just arrived is part of a transaction: its EXEC or DISCARD is the next to be answered. */
export function isInTransaction(client: Client, { inTransaction = false }: Command): boolean {
  return inTransaction || transactionFragment(internals(client).commandQueue, false).size > 0;
}

/** Replaces the errors with which the commands that are now in the queue are rejected. */
export function explainRejections(queue: CommandQueue, explain: (error: Error) => Error): void {
  for (const command of commandsOf(queue)) {
    const { reject } = command;
    command.reject = (error) => {
      reject.call(command, explain(error));
    };
  }
}

/** Whether this is the error of ioredis for the commands of a connection that has closed; a cluster sends them again. */
export function isConnectionClosed({ message }: Error): boolean {
  return message === CONNECTION_CLOSED;
}

export function* commandsOf(queue: CommandQueue): Generator<Command, void> {
  for (let index = 0; index < queue.length; index += 1) {
    const command = queue.peekAt(index)?.command;
    if (command) yield command;
  }
}

/** Resolves when every command that currently awaits its reply has received it. Pending if the connection closes before. */
export async function pendingReplies(client: Client): Promise<void> {
  const { commandQueue, stream } = internals(client);
  const last = commandQueue.peekAt(commandQueue.length - 1)?.command;
  // Replies arrive in order. Not its promise: it may be settled before, by `commandTimeout`, or later, if it is sent again.
  while (stream && last && isPending(client, last)) await once(stream, 'data');
}

/** Whether a command was written and its reply is still awaited, even if its promise is settled already. */
export function isPending(client: Client, command: Command): boolean {
  for (const pending of commandsOf(internals(client).commandQueue)) {
    if (pending === command) return true;
  }
  return false;
}

/** Queues a command to be written when the client's next connection is ready, to the same database. */
export function sendOnNextConnection(client: Client, { command, select }: CommandItem): void {
  internals(client).offlineQueue.push({ command, select });
}

/** Rejects the commands, by default all, that ioredis would send again as soon as the client is ready. */
export function rejectResent(client: Client, matches?: (command: Command) => boolean): void {
  rejectQueued(internals(client).prevCommandQueue, matches);
}

/** Sends a command again that the server has refused or ended. */
export function sendAgain(client: Client, command: Command): void {
  internals(client).sendCommand(command);
}
