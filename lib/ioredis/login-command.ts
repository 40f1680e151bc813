import { internals, type Client, type Command, type ReplyError } from './client.js';
import { rejectQueued } from './command-queues.js';
import type { Credentials, CredentialsProvider } from '../credentials/credentials.js';

/** Replaces the password in `command.args`, which ioredis attaches to errors and logs with `DEBUG=ioredis:*`. */
const HIDDEN = '<hidden>';

const loginCommands = new WeakSet<Command>();

/**
 * Removes the password from the arguments of an AUTH or HELLO that logs in with the current credentials. The arguments
 * contain a password only while the command is being written: the one that is current at that moment, so that ioredis
 * never writes an old token when it sends a command again.
 *
 * @returns whether the command was such a login.
 */
export function redactLogin(
  command: Command,
  provider: CredentialsProvider,
  onWritten: (credentials: Credentials) => void,
): boolean {
  const position = command.args.indexOf(provider.current.password);
  if (position === -1) return false;

  const { toWritable } = command;
  const shown = command.args.with(position, HIDDEN);
  command.args = shown;
  command.toWritable = (socket) => {
    const { current } = provider;
    command.args = shown.with(position, current.password);
    try {
      return toWritable.call(command, socket);
    } finally {
      command.args = shown;
      onWritten(current);
    }
  };
  loginCommands.add(command);
  return true;
}

/**
 * Removes the password from the arguments of a rejected login, which ioredis attaches to the error, if a wrapper around
 * `sendCommand()` bypassed {@link redactLogin}.
 */
export function redactRefusedLogin({ args }: Command, { current }: CredentialsProvider): void {
  const position = args.indexOf(current.password);
  // In place, since the error has the same array.
  if (position !== -1) args[position] = HIDDEN;
}

/** Whether the reply to a login reports success: OK to AUTH, an object with the server's properties to HELLO. */
export function isLoginAccepted(reply: unknown): boolean {
  if (typeof reply === 'string' || Buffer.isBuffer(reply)) return reply.toString() === 'OK';
  return typeof reply === 'object' && reply !== null;
}

/** Whether this command, sent by us or in the handshake of ioredis, logs in with credentials of ours. */
export function isLogin(command: Command): boolean {
  return loginCommands.has(command);
}

/**
 * Rejects the logins that ioredis would send again after a reconnect: the new connection has logged in already, and
 * over RESP2 a connection that has resubscribed accepts no AUTH.
 */
export function rejectQueuedLogins(client: Client): void {
  rejectQueued(internals(client).prevCommandQueue, isLogin);
}

/** Whether this is a HELLO, with which ioredis 6 negotiates the protocol and logs in. */
export function isHello(command: Command): boolean {
  return command.name.toLowerCase() === 'hello';
}

/**
 * Turns the rejection of a HELLO that logs in into the one that ioredis expects from a server without RESP3: ioredis then
 * logs in with AUTH over RESP2, on the same connection, and rejects no command. Some Azure endpoints reject the login in
 * HELLO but accept it in AUTH; if AUTH is rejected too, the credentials are invalid.
 */
export function asProtocolRefusal(reply: ReplyError): Error {
  return new Error(`NOPROTO the login within HELLO was refused: ${reply.message}`, { cause: reply });
}
