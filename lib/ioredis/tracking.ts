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
        patchLoadedCopies();
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
  if (prototype) patchPrototype(prototype, track);
}

/** The file of ioredis' class in each copy. */
const CLASS_FILE = /[\\/]built[\\/]Redis\.js$/;

/**
 * Patches the copies of ioredis that have been loaded: libraries often have their own. A copy that is bundled into another
 * file is not in the module cache; its clients have to be attached.
 */
export function patchLoadedCopies(): void {
  // Any absolute path works: all `require` functions share one cache.
  const { cache } = createRequire(process.execPath);
  for (const file of Object.keys(cache)) {
    if (!CLASS_FILE.test(file)) continue;
    const { default: candidate } = (cache[file]?.exports ?? {}) as { default?: unknown };
    if (isRedisClass(candidate)) patchCopy(candidate);
  }
}

function track(client: Client): void {
  const { password } = client.options;
  if (typeof password === 'function') trackers.get(password)?.(client);
}

/** Patches both classes of a copy of ioredis. */
function patchCopy({ prototype, Cluster }: RedisClass): void {
  patchPrototype(prototype, track);
  patchCluster(Cluster.prototype, (password) => typeof password === 'function' && trackers.has(password));
}

function isRedisClass(candidate: unknown): candidate is RedisClass {
  const { prototype, Cluster } = (candidate ?? {}) as Partial<RedisClass>;
  return Cluster !== undefined && isClientPrototype(prototype);
}

/** The prototype of ioredis' own class: the last one in the chain, after those of subclasses. It does not name its class. */
function ioredisPrototypeOf(object: object): ClientPrototype | undefined {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (!prototype) return undefined;
  const isIoredis = Object.hasOwn(prototype, 'setStatus') && isClientPrototype(prototype);
  return ioredisPrototypeOf(prototype) ?? (isIoredis ? prototype : undefined);
}

function isClientPrototype(prototype: Partial<ClientPrototype> | undefined): prototype is ClientPrototype {
  return typeof prototype?.setStatus === 'function' && typeof prototype.handleReconnection === 'function';
}
