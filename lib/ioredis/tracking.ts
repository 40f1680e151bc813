import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import type { Client } from './client.js';
import {
  patchCluster,
  patchPrototype,
  type ClientPrototype,
  type ClusterPrototype,
  type Track,
} from './hooks.js';

/**
 * A Redis password that is read each time it is used.
 *
 * ioredis converts the password to a string (`String(password)`) each time it logs in, so every new connection logs in
 * with the current token, also that of a client that is not managed.
 */
export interface Password {
  (): string;
  toString(): string;
}

/**
 * The JSON form of a password. A client created with options that went through JSON sends it as its password, so that the
 * `command.args` of the resulting WRONGPASS error name the cause.
 */
const LOST_IN_JSON =
  'ioredis-azure: these options went through JSON and lost the function that is their password. ' +
  'Call configureForAzure() in the process that creates the client.';

/**
 * Creates a password that calls `read` each time it is used. It is inspected as `[Password]`, and serialised as a text that
 * explains the login failure that it causes.
 *
 * @param onText Called before it is converted to a string, which a client that is not managed does to log in.
 */
export function createPassword(read: () => string, onText: () => void): Password {
  const password = (): string => read();
  return Object.defineProperties(password, {
    toString: {
      value: () => {
        // The caller may be a copy of ioredis that is not patched yet.
        patchCallingCopy();
        onText();
        return read();
      },
    },
    toJSON: { value: () => LOST_IN_JSON },
    [inspect.custom]: { value: () => '[Password]' },
  });
}

/** ioredis' class of single clients, which names the other one. */
interface RedisClass {
  readonly prototype: ClientPrototype;
  readonly Cluster: { readonly prototype: ClusterPrototype };
}

/** The callback for the clients that log in with a password, by the password. */
const trackers = new WeakMap<object, Track>();

/** The folders that were searched for a copy of ioredis. */
const searched = new Set<string>();

/**
 * Calls `track` with every client that logs in with `password`, each time that it connects.
 *
 * ioredis gives a password or a connector no reference to its client. Every client calls `setStatus()`, however it was
 * created: on construction, on each reconnect, as a duplicate or as the node of a cluster.
 */
export function trackClientsWith(password: object, track: Track): void {
  trackers.set(password, track);
  // A test may have replaced ioredis by a mock.
  if (isRedisClass(Redis)) patchCopy(Redis);
}

/** Stops tracking the clients that log in with `password`. */
export function stopTracking(password: object): void {
  trackers.delete(password);
}

/** Also tracks the clients of this client's copy of ioredis, from their next connection. */
export function patchIoredisOf(client: Client): void {
  const prototype = ioredisPrototypeOf(client);
  if (prototype) patch(prototype);
}

/**
 * Patches the copy of ioredis that called the caller of this function: libraries often have their own copy.
 *
 * The stack names the running file, and the module cache holds its class. A copy that is bundled into another file cannot
 * be found this way; its clients have to be attached.
 */
export function patchCallingCopy(): void {
  for (const file of callerFiles()) {
    const folder = /^.*[\\/]built[\\/]/.exec(file)?.[0];
    if (folder === undefined || searched.has(folder)) continue;
    searched.add(folder);
    const copy = classIn(`${folder}Redis.js`);
    if (copy) patchCopy(copy);
  }
}

function track(client: Client): void {
  const { password } = client.options;
  if (typeof password === 'function') trackers.get(password)?.(client);
}

function patch(prototype: ClientPrototype): void {
  patchPrototype(prototype, track);
}

/** Patches both classes of a copy of ioredis. */
function patchCopy({ prototype, Cluster }: RedisClass): void {
  patch(prototype);
  patchCluster(Cluster.prototype, (password) => typeof password === 'function' && trackers.has(password));
}

function classIn(file: string): RedisClass | undefined {
  // Any absolute path works: all `require` functions share one cache.
  const { default: candidate } = (createRequire(process.execPath).cache[file]?.exports ?? {}) as {
    default?: Partial<RedisClass>;
  };
  return isRedisClass(candidate) ? candidate : undefined;
}

function isRedisClass(candidate: unknown): candidate is RedisClass {
  const { prototype, Cluster } = (candidate ?? {}) as Partial<RedisClass>;
  return Cluster !== undefined && isClientPrototype(prototype);
}

/** The prototype of ioredis' own class: the last one in the chain, after those of subclasses. */
function ioredisPrototypeOf(object: object): ClientPrototype | undefined {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (!prototype) return undefined;
  const isIoredis = Object.hasOwn(prototype, 'setStatus') && isClientPrototype(prototype);
  return ioredisPrototypeOf(prototype) ?? (isIoredis ? prototype : undefined);
}

function isClientPrototype(prototype: Partial<ClientPrototype> | undefined): prototype is ClientPrototype {
  return typeof prototype?.setStatus === 'function' && typeof prototype.handleReconnection === 'function';
}

/** Deep enough for ioredis' way from a client to its connector, or to the text of its password. */
const FRAMES = 20;

/** The files of the functions that are running, the innermost first; none where the intrinsics of JavaScript are frozen. */
function callerFiles(): string[] {
  const { stackTraceLimit } = Error;
  const formatter = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  let files: string[] = [];
  try {
    // The text of a stack may be that of source maps, or of another tool; call sites name the file that was loaded.
    Error.prepareStackTrace = (_error, callSites) => {
      files = callSites.map((callSite) => callSite.getFileName() ?? '');
      return '';
    };
    Error.stackTraceLimit = FRAMES;
    // Reading `stack` calls prepareStackTrace().
    const { stack } = new Error();
    if (stack !== '') files = [];
    if (formatter) Object.defineProperty(Error, 'prepareStackTrace', formatter);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
    Error.stackTraceLimit = stackTraceLimit;
    return files;
  } catch {
    return [];
  }
}
