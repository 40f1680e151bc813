import type { Command, CommandQueue } from './client.js';

/** Removes commands from one of ioredis' queues, and rejects them, in order, as ioredis does when a connection is closed. */
export function rejectQueued(
  queue: CommandQueue | null | undefined,
  isMeant: (command: Command) => boolean = () => true,
): void {
  if (!queue) return;
  const removed: Command[] = [];
  for (let index = queue.length - 1; index >= 0; index -= 1) {
    const command = queue.peekAt(index)?.command;
    if (!command || !isMeant(command)) continue;
    queue.remove(index, 1);
    removed.push(command);
  }
  for (const command of removed.reverse()) command.reject(new Error('Connection is closed.'));
}
