import { encodeCommand } from './resp/encode.js';

/** A login as a client sent it: AUTH, or HELLO with AUTH. */
export interface LoginAttempt {
  readonly method: 'AUTH' | 'HELLO';
  readonly user: string;
  /** The token, or the access key. */
  readonly password: string;
  /** The connection's name, if HELLO sets it. */
  readonly name: string | undefined;
  /** The command with this password in place of the client's own. */
  withPassword(password: string): Buffer;
}

/** The user that an access key logs in as. */
export const DEFAULT_USER = 'default';

function readAuth(args: readonly Buffer[]): LoginAttempt | undefined {
  const [command, first, second] = args;
  if (command === undefined || first === undefined || args.length > 3) return undefined;
  const user = second === undefined ? DEFAULT_USER : first.toString();
  return {
    method: 'AUTH',
    user,
    password: (second ?? first).toString(),
    name: undefined,
    withPassword: (password) => encodeCommand([command, user, password]),
  };
}

function readHello(args: readonly Buffer[]): LoginAttempt | undefined {
  let auth: number | undefined;
  let name: string | undefined;
  for (let index = 2; index < args.length; index++) {
    const option = args[index]?.toString().toLowerCase();
    if (option === 'auth') {
      auth = index;
      index += 2;
    } else if (option === 'setname') {
      name = args[index + 1]?.toString();
      index += 1;
    }
  }
  if (auth === undefined) return undefined;
  const userIndex = auth + 1;
  const user = args[userIndex];
  const password = args[userIndex + 1];
  if (user === undefined || password === undefined) return undefined;
  return {
    method: 'HELLO',
    user: user.toString(),
    password: password.toString(),
    name,
    withPassword: (replacement) =>
      encodeCommand(args.map((arg, index) => (index === userIndex + 1 ? replacement : arg))),
  };
}

/** The login in a command, or `undefined` if it is none that redis-server would understand. */
export function readLogin(args: readonly Buffer[]): LoginAttempt | undefined {
  const name = args[0]?.toString().toLowerCase();
  if (name === 'auth') return readAuth(args);
  return name === 'hello' ? readHello(args) : undefined;
}
