import type { Command, CommandQueue } from './client.js';

/** Takes commands out of one of ioredis' queues, and rejects them as ioredis does when a connection is closed. */
export function rejectQueued(
  queue: CommandQueue | null | undefined,
  isMeant: (command: Command) => boolean = () => true,
): void {
  if (!queue) return;
  for (let index = queue.length - 1; index >= 0; index -= 1) {
    const command = queue.peekAt(index)?.command;
    if (!command || !isMeant(command)) continue;
    queue.remove(index, 1);
    command.reject(new Error('Connection is closed.'));
  }
}
