import { assertOption } from '../lib/validation.js';
import { encodeCommand } from './resp/encode.js';

/** A login sent by a client: AUTH, or HELLO with AUTH. */
export interface LoginAttempt {
  readonly method: 'AUTH' | 'HELLO';
  readonly user: string;
  /** The token, or the access key. */
  readonly password: string;
  /** The connection's name, if HELLO sets it. */
  readonly name: string | undefined;
  /**
   * Whether the server will accept the whole command. redis-server before 7.2 logs a client in by a HELLO that it then
   * answers with an error about another option: such a login would be missed.
   */
  readonly wellFormed: boolean;
  /** The command with this password in place of the client's own. */
  withPassword(password: string): Buffer;
}

/** The user name of an access key. */
export const DEFAULT_USER = 'default';

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertOid(oid: unknown, name = 'oid'): asserts oid is string {
  // The server permits no spaces in a user name, and its own user is named `default`.
  assertOption(
    typeof oid === 'string' && /^\S+$/.test(oid) && oid !== DEFAULT_USER,
    name,
    oid,
    "a string without spaces other than 'default'",
    { hint: 'Remove it to get a new object id, or set a GUID, as the object ids of Entra are.' },
  );
}

/** The connection names that redis-server accepts. */
const NAME = /^[!-~]*$/;

function readAuth(args: readonly Buffer[]): LoginAttempt | undefined {
  const [command, first, second] = args;
  if (command === undefined || first === undefined || args.length > 3) return undefined;
  const user = second === undefined ? DEFAULT_USER : first;
  return {
    method: 'AUTH',
    user: user.toString(),
    password: (second ?? first).toString(),
    name: undefined,
    wellFormed: true,
    withPassword: (password) => encodeCommand([command, user, password]),
  };
}

/** The options of HELLO, each with the index that its values start at. */
function* helloOptions(args: readonly Buffer[]): Generator<readonly [option: string, values: number]> {
  let index = 2;
  while (index < args.length) {
    const option = args[index]?.toString().toLowerCase() ?? '';
    yield [option, index + 1];
    index += option === 'auth' ? 3 : option === 'setname' ? 2 : 1;
  }
}

/** The name that HELLO gives the connection, if it does. */
export function helloName(args: readonly Buffer[]): string | undefined {
  const index = new Map(helloOptions(args)).get('setname');
  return index === undefined ? undefined : args[index]?.toString();
}

function readHello(args: readonly Buffer[]): LoginAttempt | undefined {
  const options = [...helloOptions(args)];
  const indexes = new Map(options);
  const userIndex = indexes.get('auth');
  if (userIndex === undefined) return undefined;
  const user = args[userIndex];
  const password = args[userIndex + 1];
  const name = helloName(args);
  const wellFormed =
    options.every(([option]) => option === 'auth' || option === 'setname') &&
    options.length === indexes.size &&
    (!indexes.has('setname') || (name !== undefined && NAME.test(name)));
  if (user === undefined || password === undefined) return undefined;
  return {
    method: 'HELLO',
    user: user.toString(),
    password: password.toString(),
    name,
    wellFormed,
    withPassword: (replacement) =>
      encodeCommand(args.map((arg, index) => (index === userIndex + 1 ? replacement : arg))),
  };
}

/** The login in a command, or `undefined` if redis-server would not parse it as one. */
export function readLogin(args: readonly Buffer[]): LoginAttempt | undefined {
  const name = args[0]?.toString().toLowerCase();
  if (name === 'auth') return readAuth(args);
  return name === 'hello' ? readHello(args) : undefined;
}
