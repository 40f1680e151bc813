import type { Client } from './client.js';
import type { ClusterInternals, RedirectionHandlers } from './cluster.js';
import { keepSubscribed } from './cluster-subscriptions.js';

/** The prototype of a `Cluster`. */
export interface ClusterPrototype {
  setStatus: (this: ClusterInternals, status: string) => void;
  handleError: (this: ClusterInternals, error: Error, ttl: object, handlers: RedirectionHandlers) => void;
}

/** The prototype of ioredis' class of single clients, which makes its methods from a list of commands. */
export interface AskingPrototype {
  asking: (this: Client, ...args: unknown[]) => Promise<unknown>;
}

/** A redirection, and the slot of one that names an address. */
const REDIRECTION = /^(?:MOVED|ASK) (?:(\d+) [^ ]*:\d+(?: |$))?/;

const SLOTS = 16_384;

/** The refusal of a write by a node that has become a replica. */
const READONLY = /^READONLY\b/;

const patched = new WeakSet<ClusterPrototype>();

/**
 * Patches the `Cluster` of a copy of ioredis, once: those that `isManaged` by the password of their nodes keep their
 * subscriptions, and no reply of a node ends the process.
 */
export function patchCluster(
  redis: AskingPrototype,
  prototype: ClusterPrototype,
  isManaged: (password: unknown) => boolean,
): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { setStatus, handleError } = prototype;

  prototype.setStatus = function (status) {
    setStatus.call(this, status);
    if (isManaged(this.options.redisOptions?.password)) keepSubscribed(this);
  };

  prototype.handleError = function (error, ttl, handlers) {
    const redirection = REDIRECTION.exec(error.message);
    const hasLostRole = READONLY.test(error.message) && isManaged(this.options.redisOptions?.password);
    // Without a port ioredis throws an error in its parser, which ends the process.
    if (redirection && !(Number(redirection[1]) < SLOTS)) handlers.defaults();
    // The node has not executed the command: what ioredis does when nodes are down fits here too.
    else if (hasLostRole) handleError.call(this, new Error(`CLUSTERDOWN ${error.message}`), ttl, handlers);
    else handleError.call(this, error, ttl, handlers);
  };

  handleRefusedAsking(redis);
}

/** Before a command that follows ASK, ioredis sends ASKING, and leaves its failure unhandled if the node is down. */
function handleRefusedAsking(redis: AskingPrototype): void {
  const { asking } = redis;
  redis.asking = function (...args) {
    const reply = asking.apply(this, args);
    // The command itself is sent again, or rejected.
    reply.catch(() => undefined);
    return reply;
  };
}
