import { internals, type Client, type Command } from './client.js';
import { rejectQueued } from './command-queues.js';
import type { Credentials, CredentialsProvider } from '../credentials/credentials.js';

/** What stands for the password in `command.args`, which ioredis attaches to errors and prints when it debugs. */
const HIDDEN = '<hidden>';

const loginCommands = new WeakSet<Command>();

/**
 * Keeps the password out of an AUTH or HELLO that logs in with the source's current login: the command's arguments
 * no longer hold it, and it is put in only while the command is written. It is the current one of that moment, so
 * that ioredis never writes an old token when it sends a command again.
 *
 * @returns whether the command was such a login.
 */
export function redactLogin(
  command: Command,
  logins: CredentialsProvider,
  onWritten: (login: Credentials) => void,
): boolean {
  const position = command.args.indexOf(logins.current.password);
  if (position === -1) return false;

  const { toWritable } = command;
  const shown = command.args.with(position, HIDDEN);
  command.args = shown;
  command.toWritable = (socket) => {
    const login = logins.current;
    command.args = shown.with(position, login.password);
    try {
      return toWritable.call(command, socket);
    } finally {
      command.args = shown;
      onWritten(login);
    }
  };
  loginCommands.add(command);
  return true;
}

/**
 * Hides the password of a login that was refused, where a wrapper around `sendCommand()` kept {@link redactLogin} from
 * doing so: ioredis attaches the arguments to the error.
 */
export function redactRefusedLogin({ args }: Command, { current }: CredentialsProvider): void {
  const position = args.indexOf(current.password);
  // In place, since the error has the same array.
  if (position !== -1) args[position] = HIDDEN;
}

/** Whether the server's reply to a login says that it logged in: OK to AUTH, an object of facts to HELLO. */
export function isLoginAccepted(reply: unknown): boolean {
  if (typeof reply === 'string' || Buffer.isBuffer(reply)) return reply.toString() === 'OK';
  return typeof reply === 'object' && reply !== null;
}

/** Whether this is a command of ours, or of ioredis' own handshake, that logs in with a hidden password. */
export function isLogin(command: Command): boolean {
  return loginCommands.has(command);
}

/**
 * Takes logins out of what ioredis sends again after a reconnect: the new connection has logged in by itself, and a
 * subscriber that has subscribed again can no longer.
 */
export function rejectQueuedLogins(client: Client): void {
  rejectQueued(internals(client).prevCommandQueue, isLogin);
}
