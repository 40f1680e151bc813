import type { Command, CommandQueue } from './client.js';

/**
 * Removes commands from one of ioredis' queues and rejects them in order; by default all of them, with the error of a closed
 * connection.
 */
export function rejectQueued(
  queue: CommandQueue | null | undefined,
  matches: (command: Command) => boolean = () => true,
  error: () => Error = connectionClosed,
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
  const commands = commandsOf(queue);
  const end = commands.findIndex(({ name }) => /^(?:exec|discard)$/i.test(name));
  const start = commands.findIndex(({ name }) => /^multi$/i.test(name));
  const isCutOff = end !== -1 && (start === -1 || end < start);
  if (isCutOff) return new Set(commands.slice(0, end + 1));
  return new Set(isOpen ? commands : []);
}

/**
 * Replaces the errors with which the commands that are now in the queue are rejected.
 *
 * @returns A function that restores them.
 */
export function explainRejections(queue: CommandQueue, explain: (error: Error) => Error): () => void {
  const explained = commandsOf(queue).map((command) => ({ command, reject: command.reject }));
  for (const { command, reject } of explained) {
    command.reject = (error) => {
      reject.call(command, explain(error));
    };
  }
  return () => {
    for (const { command, reject } of explained) command.reject = reject;
  };
}

/** The error with which ioredis rejects the commands of a connection that has closed; a cluster sends them again. */
export function connectionClosed(): Error {
  return new Error(CONNECTION_CLOSED);
}

/** Whether this is the error of ioredis for the commands of a connection that has closed. */
export function isConnectionClosed({ message }: Error): boolean {
  return message === CONNECTION_CLOSED;
}

const CONNECTION_CLOSED = 'Connection is closed.';

function commandsOf(queue: CommandQueue): Command[] {
  return Array.from({ length: queue.length }, (_, index) => queue.peekAt(index)?.command).filter(
    (command) => command !== undefined,
  );
}
