import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AzureRedisError } from '../lib/index.js';
import { AdminConnection } from './admin-connection.js';
import { RedisReplyError } from './resp/decode.js';

/** The address of a running redis-server. */
export interface Upstream {
  /** The host name or address. */
  readonly host: string;
  /** The port, for plain TCP. */
  readonly port: number;
  /** The password of its default user, which must have all permissions. */
  readonly password: string;
}

/** A real server behind an endpoint. */
export interface RedisServer {
  readonly admin: AdminConnection;
  /** The password of the default user, as which access keys log in. */
  readonly defaultPassword: string;
  /** Opens a connection that is not logged in. */
  connect(): Socket;
  /** Ends the server. An upstream is left running; these ACL users are removed from it. */
  stop(users: readonly string[]): Promise<void>;
}

/**
 * Runs redis-server and ends it when its standard input closes. The system closes it however this process ends, so that
 * even a crash leaves no server and no folder behind.
 */
const GUARD = `
folder=$1; shift
command -v "$1" >/dev/null 2>&1 || { echo 'it was not found'; rmdir "$folder"; exit; }
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
exec >/dev/null 2>&1
read -r _ <&3
kill -9 "$server"
wait "$server"
rm -rf "$folder"
`;
/** In ms. */
const START_TIMEOUT = 10_000;
const LAST_LINE = /[^\n]+(?=\n*$)/;
const READY = /ready to accept connections/i;

const HINT =
  'Install redis-server 6.2 or newer (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), ' +
  'or set REDIS_SERVER to the path of one.';

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

type Target = { readonly path: string } | Omit<Upstream, 'password'>;

function openAdmin(target: Target): AdminConnection {
  return new AdminConnection(connect({ ...target, noDelay: true }));
}

function openSocket(target: Target): Socket {
  return connect({ ...target, noDelay: true, allowHalfOpen: true });
}

/** The folder, socket and process of a redis-server that is starting. */
interface Starting {
  readonly path: string;
  /** Resolves when the server accepts connections; rejects with its last log line if it exits before. */
  readonly ready: Promise<void>;
  readonly stop: () => Promise<void>;
}

function run(program: string, folder: string, more: ServerSettings): Starting {
  const path = join(folder, 'redis.sock');
  const settings = {
    port: '0',
    unixsocket: path,
    unixsocketperm: '700',
    dir: folder,
    save: '',
    appendonly: 'no',
    daemonize: 'no',
    logfile: '',
    ...more,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  // In its own process group: Ctrl+C must reach the tests only, which may need the server to shut down cleanly.
  const child = spawn('/bin/sh', ['-c', GUARD, 'sh', folder, program, ...args], { detached: true });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });

  let log = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stderr.on('data', (text: Buffer) => {
      log += text.toString();
    });
    child.stdout.on('data', (text: Buffer) => {
      // Keep reading, so that the server never blocks on its output, but keep nothing once it runs.
      if (READY.test(log)) return;
      log += text.toString();
      if (READY.test(log)) resolve();
    });
    child.stdout.once('close', () => {
      // The last log line is the cause. A program that is not redis-server writes none.
      reject(new Error(LAST_LINE.exec(log)?.[0] ?? 'it exited without a log line'));
    });
    setTimeout(() => {
      reject(new Error(`it was not ready within ${START_TIMEOUT / 1000} s`));
    }, START_TIMEOUT).unref();
  });

  return {
    path,
    ready,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The settings of redis-server, by their names in its configuration file. */
export type ServerSettings = Readonly<Record<string, string>>;

/** A password that never leaves this process. */
export function newServerPassword(): string {
  return randomBytes(32).toString('hex');
}

export interface RedisServerOptions {
  /** The password of the default user. */
  readonly password: string;
  /** The path or name of the program. Default: `REDIS_SERVER`, otherwise `redis-server` on the `PATH`. */
  readonly program: string | undefined;
  /** Additional settings. They are visible in the list of processes. */
  readonly settings?: ServerSettings;
  /** Ends the server. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts a redis-server on a socket that only this user can open. */
export async function startRedisServer({
  password,
  program = process.env['REDIS_SERVER'] ?? 'redis-server',
  settings = {},
  signal,
}: RedisServerOptions): Promise<RedisServer> {
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-'));
  const { path, ready, stop } = run(program, folder, settings);
  const abort = (): void => void stop();
  signal?.addEventListener('abort', abort);
  try {
    await ready;
    const admin = openAdmin({ path });
    // Servers before 6.2 do not support `allchannels`.
    await admin.call('ACL', 'SETUSER', 'default', 'resetpass', `>${password}`, 'allchannels');
    return {
      admin,
      defaultPassword: password,
      connect: () => openSocket({ path }),
      async stop() {
        signal?.removeEventListener('abort', abort);
        admin.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw new AzureRedisError(
      'MISSING_DEPENDENCY',
      `The emulator needs redis-server, and "${program}" does not run: ${reasonOf(error)}.`,
      HINT,
      { cause: error },
    );
  }
}

/** Without a password the server would accept commands before a login, unlike Azure. */
async function demandLogin(admin: AdminConnection): Promise<void> {
  try {
    await admin.call('PING');
  } catch (error) {
    if (error instanceof RedisReplyError && error.message.startsWith('NOAUTH')) return;
    throw error;
  }
  throw new Error('its default user has no password');
}

/** Uses a running redis-server, which is left running. */
export async function attachRedisServer(
  { host, port, password }: Upstream,
  signal?: AbortSignal,
): Promise<RedisServer> {
  signal?.throwIfAborted();
  const target = { host, port };
  const admin = openAdmin(target);
  const abort = (): void => {
    admin.close();
  };
  signal?.addEventListener('abort', abort);
  // A server that speaks TLS waits for more.
  const timer = setTimeout(() => {
    admin.close(
      Object.assign(new Error(`it did not answer within ${START_TIMEOUT / 1000} s`), { code: 'ETIMEDOUT' }),
    );
  }, START_TIMEOUT);
  try {
    await demandLogin(admin);
    await admin.call('AUTH', 'default', password);
  } catch (error) {
    admin.close();
    throw new AzureRedisError(
      error instanceof Error && 'code' in error ? 'CONNECTION_FAILED' : 'INVALID_OPTION',
      `The \`upstream\` ${host}:${port} cannot be used: ${reasonOf(error)}.`,
      'Start it, set a password for its default user (requirepass), and set `upstream.password` to it.',
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
  return {
    admin,
    defaultPassword: password,
    connect: () => openSocket(target),
    async stop(users) {
      signal?.removeEventListener('abort', abort);
      // The server may have ended before, and its users with it.
      if (users.length > 0) await admin.call('ACL', 'DELUSER', ...users).catch(() => undefined);
      admin.close();
    },
  };
}
