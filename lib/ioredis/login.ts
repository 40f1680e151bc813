import type { Socket } from 'node:net';
import { internals, type Client, type Command, type ReplyError } from './client.js';
import { commandsOf } from './queues.js';
import type { Credentials, CredentialsProvider } from '../credentials/credentials.js';

/**
 * Stands for the password in the arguments of a login, which ioredis attaches to errors and logs with `DEBUG=ioredis:*`, and
 * which wrappers of `sendCommand()` read. The password takes its place in the bytes that are written.
 */
export const HIDDEN_PASSWORD = '<hidden by ioredis-azure>';

/** The names of the commands that log in, as callers spell them. */
export const LOGIN_NAME = /^(?:auth|hello)$/i;

/** The beginning of an AUTH or HELLO as ioredis writes it. */
const LOGIN = /^\*\d+\r\n\$\d+\r\n(?:auth|hello)\r\n/i;

/** The sockets whose `write` is replaced by {@link fillLogins}. */
const filled = new WeakSet<Socket>();

/**
 * Writes the current credentials into the logins of a client's connection, until the returned function is called.
 *
 * @param onWritten Called with the reply to a login when it is written, and its credentials: ioredis 5.4 may be ready in the
 *   same tick.
 */
export function fillLogins(
  client: Client,
  provider: CredentialsProvider,
  onWritten: (reply: Promise<unknown>, credentials: Credentials) => void,
): () => void {
  const { stream } = internals(client);
  if (!stream || filled.has(stream)) return () => undefined;
  const own = Object.getOwnPropertyDescriptor(stream, 'write');
  const write = stream.write.bind(stream);
  stream.write = (chunk: unknown, ...rest: []) => {
    if (typeof chunk !== 'string' || !LOGIN.test(chunk)) return write(chunk as string, ...rest);
    const credentials = provider.current;
    // ioredis puts a command on its queue after it has written it.
    const reply = Promise.resolve().then(
      () => [...commandsOf(internals(client).commandQueue)].findLast(isLogin)?.promise,
    );
    onWritten(reply, credentials);
    return write(
      chunk.replace(bulk(HIDDEN_PASSWORD), () => bulk(credentials.password)),
      ...rest,
    );
  };
  filled.add(stream);
  return () => {
    if (!filled.delete(stream)) return;
    if (own) Object.defineProperty(stream, 'write', own);
    else Reflect.deleteProperty(stream, 'write');
  };
}

/** Makes the handshake of ioredis log in with the hidden password; called between `connect` and the handshake. */
export function hideHandshake(client: Client, { username }: Credentials): void {
  const { condition } = internals(client);
  if (condition) condition.auth = [username, HIDDEN_PASSWORD];
}

/** Hides the password in a login for which ioredis, or the application, has read the password itself. */
export function hidePassword(command: Command, { password }: Credentials): void {
  if (!LOGIN_NAME.test(command.name)) return;
  const position = command.args.indexOf(password);
  if (position !== -1) command.args = command.args.with(position, HIDDEN_PASSWORD);
}

/** Whether this command, sent by us or in the handshake of ioredis, logs in with credentials of ours. */
export function isLogin({ name, args }: Command): boolean {
  return LOGIN_NAME.test(name) && args.includes(HIDDEN_PASSWORD);
}

/** Whether the reply to a login reports success: OK to AUTH, an object with the server's properties to HELLO. */
export function isLoginAccepted(reply: unknown): boolean {
  if (typeof reply === 'string' || Buffer.isBuffer(reply)) return reply.toString() === 'OK';
  return typeof reply === 'object' && reply !== null;
}

/**
 * Whether this is the HELLO with which ioredis 6 negotiates the protocol and logs in. Some Azure endpoints reject the login in
 * HELLO but accept it in AUTH.
 */
export function isHandshakeHello(client: Client, command: Command): boolean {
  const isHello = command.name.toLowerCase() === 'hello' && isLogin(command);
  return isHello && internals(client).condition?.handshake === true;
}

/**
 * Turns the rejection of a HELLO that logs in into the one that ioredis expects from a server without RESP3: ioredis then
 * logs in with AUTH over RESP2, on the same connection, and rejects no command. If AUTH is rejected too, the credentials are
 * invalid.
 */
export function asProtocolRefusal(reply: ReplyError): Error {
  return new Error(`NOPROTO the login within HELLO was refused: ${reply.message}`, { cause: reply });
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
