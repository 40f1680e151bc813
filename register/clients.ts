import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Authenticator } from '../lib/authenticator.js';
import { azureEndpoint } from '../lib/configure/azure-caches.js';
import { createDebugLog } from '../lib/diagnostics.js';
import type { Client, ClientOptions } from '../lib/ioredis/client.js';
import { readEnvironment, type Environment } from './environment.js';
import type * as Login from './login.js';
import { startupNodesOf } from './startup-nodes.js';

/** The options of a client that are read or completed here. */
interface GivenOptions extends ClientOptions {
  readonly clientInfoTag?: unknown;
  readonly authenticator?: Pick<Authenticator, 'attach'>;
}

type ClusterOptions = Record<string, unknown> & { redisOptions?: GivenOptions };

/** A `Redis` whose constructor calls `EventEmitter`: it has parsed its options, and constructs its `Connector` next. */
interface NewRedis extends Client {
  readonly isCluster: false;
  readonly addBuiltinCommand: unknown;
  readonly options: GivenOptions;
}

/** A `Cluster` whose constructor calls `EventEmitter`: it sets its startup nodes next, then its options. */
interface NewCluster extends EventEmitter {
  readonly isCluster: true;
  readonly addBuiltinCommand: unknown;
  startupNodes?: unknown;
}

export type NewClient = NewRedis | NewCluster;

/** The port of Redis without TLS, on which Azure serves no TLS, and ioredis' default. */
const PLAIN_PORT = 6379;

const debug = createDebugLog('ioredis-azure:register');
const warned = new Set<string>();
/** The passwords that clients were given here. */
const passwords = new WeakSet<object>();
let environment: Environment | undefined;

/** Gives a new client the options with which it logs in, if its host is an Azure cache. */
export function clientCreated(client: NewClient): void {
  if (client.isCluster) {
    whenOptionsAreSet(client, (options) => {
      completeCluster(client, options);
    });
  } else if (typeof client.options === 'object') {
    completeRedis(client);
  }
}

function completeRedis(client: NewRedis): void {
  const { options } = client;
  const { password, path, sentinels } = options;
  if (typeof password === 'function') {
    track(client, password);
    return;
  }
  const host = String(options.host);
  const port = portOf(host, Number(options.port));
  const name = `A client of ${path ?? `${host}:${port}`}`;
  const isElsewhere = (path ?? sentinels) ? 'it connects to a socket, or by sentinels' : undefined;
  if (isLeft(name, isElsewhere ?? reasonToLeave(name, [host], options))) return;
  Object.assign(options, { port }, loginOptions(host, options));
  login().patchIoredisOf(client);
}

/** Tracks a client that this package has configured. */
function track(client: NewRedis, password: object): void {
  if (passwords.has(password)) {
    // A duplicate, or a connection of a Cluster.
    login().patchIoredisOf(client);
    return;
  }
  // The program has configured it, with a copy of this package that may not know this copy of ioredis.
  queueMicrotask(() => {
    try {
      client.options.authenticator?.attach(client);
    } catch (error) {
      debug('A client cannot be attached: %o', error);
    }
  });
}

function completeCluster(cluster: NewCluster, options: ClusterOptions): void {
  const { redisOptions = {} } = options;
  // This package has configured it: the nodes are tracked as they are created.
  if (typeof redisOptions.password === 'function') return;
  const nodes = startupNodesOf(cluster.startupNodes).map((node) => ({
    ...node,
    port: portOf(node.host, node.port),
  }));
  const [first] = nodes;
  if (!first) return;
  const name = `A Cluster of ${nodes.map(({ host, port }) => `${host}:${port}`).join(', ')}`;
  const password = [redisOptions, ...nodes].map((given) => given.password).find(Boolean);
  const hosts = nodes.map(({ host }) => host);
  if (isLeft(name, reasonToLeave(name, hosts, { ...redisOptions, password }))) return;
  // What a node states would take precedence over the options of all nodes.
  const theirs = { username: undefined, password: undefined, tls: undefined };
  cluster.startupNodes = nodes.map((node) => ({ ...node, ...theirs }));
  const given = loginOptions(first.host, { ...redisOptions, tls: redisOptions.tls ?? first.tls });
  options.redisOptions = { ...redisOptions, ...given };
  Object.assign(options, login().clusterDefaults(options));
  login().reportFailures(given.authenticator, cluster);
}

/** Calls `complete` with the options of a cluster before its constructor uses them. */
function whenOptionsAreSet(cluster: NewCluster, complete: (options: ClusterOptions) => void): void {
  Object.defineProperty(cluster, 'options', {
    configurable: true,
    set: (value: ClusterOptions) => {
      Object.defineProperty(cluster, 'options', { value, writable: true, enumerable: true });
      complete(value);
    },
  });
}

/** Why a client to these hosts is not given a login. */
function reasonToLeave(
  name: string,
  hosts: readonly string[],
  { Connector, password }: ClientOptions,
): string | undefined {
  const { hosts: listed, replacePassword } = settings();
  if (!hosts.every((host) => (listed ? listed.has(host.toLowerCase()) : azureEndpoint(host)))) {
    return listed ? 'IOREDIS_AZURE_HOSTS does not list its host' : "its host has no suffix of Azure's caches";
  }
  if (Connector) {
    const remedy = 'Remove the option `Connector` from the program.';
    warn(`${name} has a Connector of its own, and no login with Microsoft Entra ID.`, remedy);
    return 'it has a Connector of its own';
  }
  if (password && !replacePassword) {
    const remedy = `Remove the password from the program's configuration, or set IOREDIS_AZURE_REPLACE_PASSWORD=true.`;
    warn(`${name} has a password of its own, and no login with Microsoft Entra ID.`, remedy);
    return 'it has a password of its own';
  }
  return undefined;
}

function isLeft(name: string, reason: string | undefined): boolean {
  if (reason === undefined) debug('%s is managed', name);
  else debug('%s is left alone: %s', name, reason);
  return reason !== undefined;
}

/** The option of the suffix in place of ioredis' default. */
function portOf(host: string, port: number): number {
  return port === PLAIN_PORT ? (azureEndpoint(host)?.port ?? port) : port;
}

function loginOptions(host: string, options: Login.OwnOptions): Login.LoginOptions {
  const given = login().loginOptions(host, options, settings());
  passwords.add(given.password);
  return given;
}

/** Loads the library, with the first client that logs in. */
function login(): typeof Login {
  return createRequire(import.meta.filename)('./login.cjs') as typeof Login;
}

function settings(): Environment {
  return (environment ??= readEnvironment(process.env, warn));
}

/** Warns once in each process of the same thing. */
function warn(message: string, detail: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(message, { type: 'IoredisAzureWarning', detail });
}
