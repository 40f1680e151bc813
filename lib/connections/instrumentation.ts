import { internals, type Client, type Command, type ReplyError } from './client.js';

/** Who is told of what passes through a client. */
export interface CommandWatcher {
  /** A command that changes who is logged in, or whether a transaction is open, is about to be sent. */
  sending(command: Command): void;
  /** It was sent. */
  sent(command: Command): void;
  /** The server refused a command; `handOn` lets ioredis reject it with this error or another. */
  refused(command: Command, reply: ReplyError, handOn: (error: Error) => void): void;
}

const NOTEWORTHY = /^(?:auth|hello|multi|exec|discard|reset)$/i;

/** The `sendCommand`s that are ours. */
const instrumented = new WeakSet<object>();

/**
 * Tells a watcher of the noteworthy commands and the error replies of one client. Other commands cost one comparison
 * of their name. ioredis takes it away from a client that monitors when its connection closes; instrumenting again
 * does no harm.
 */
export function instrument(client: Client, watcher: CommandWatcher): void {
  const inner = internals(client);
  if (instrumented.has(inner.sendCommand)) return;

  const { sendCommand, handleReconnection } = inner;
  inner.sendCommand = (command, stream) => {
    if (!NOTEWORTHY.test(command.name)) return sendCommand.call(client, command, stream);
    watcher.sending(command);
    const result = sendCommand.call(client, command, stream);
    watcher.sent(command);
    return result;
  };
  instrumented.add(inner.sendCommand);
  inner.handleReconnection = (reply, item) => {
    watcher.refused(item.command, reply, (error) => {
      handleReconnection.call(client, error, item);
    });
  };
}

/** Leaves the client as ioredis made it: the methods of its prototype show again. */
export function removeInstrumentation(client: Client): void {
  const inner = internals(client);
  if (!instrumented.has(inner.sendCommand)) return;
  Reflect.deleteProperty(inner, 'sendCommand');
  Reflect.deleteProperty(inner, 'handleReconnection');
}
