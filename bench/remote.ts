import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a process offers to others: functions of JSON values, by name. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** One connection that is kept open: a request costs one round trip on the loopback interface. */
const agent = new Agent({ keepAlive: true });

/** Offers functions to the process that started this one, until that ends. */
export async function serve(handlers: Handlers): Promise<void> {
  const server = await listen(handlers);
  process.once('disconnect', () => {
    process.exit();
  });
  process.send?.({ port: portOf(server) });
}

/** Offers functions to other processes. */
export async function listen(handlers: Handlers): Promise<Server> {
  const server = createServer((message, response) => {
    void answer(handlers, message).then(({ status, body }) => {
      response.writeHead(status).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function answer(
  handlers: Handlers,
  message: IncomingMessage,
): Promise<{ status: number; body: string }> {
  try {
    const name = message.url?.slice(1) ?? '';
    const handler = handlers[name];
    if (!handler) throw new Error(`there is no function "${name}"`);
    const argument = JSON.parse(await textOf(message)) as never;
    return { status: 200, body: JSON.stringify((await handler(argument)) ?? null) };
  } catch (error) {
    return { status: 500, body: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Calls a function of the process that listens on this port. */
export async function callRemote<Result>(
  port: number,
  name: string,
  argument: unknown = {},
): Promise<Result> {
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: `/${name}`, agent });
  sent.end(JSON.stringify(argument));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const body = await textOf(response);
  if (response.statusCode !== 200) throw new Error(`${name}: ${body}`);
  return JSON.parse(body) as Result;
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += String(chunk);
  return text;
}

/** A separate process that offers functions. */
export class Remote {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** @param module The path of its module, relative to this folder. */
  static async start(module: string, execArgv: readonly string[] = []): Promise<Remote> {
    const child = fork(new URL(module, import.meta.url), { execArgv: ['--import', 'tsx', ...execArgv] });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${module} ended with code ${String(code)} before it was ready`);
    });
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    // Its end is awaited by stop().
    ended.catch(() => undefined);
    return new Remote(child, port);
  }

  call<Result>(name: string, argument: unknown = {}): Promise<Result> {
    return callRemote<Result>(this.port, name, argument);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
