import { BLOCKING_COMMANDS } from './blocking-command.js';
import {
  internals,
  type Client,
  type ClientInternals,
  type Command,
  type CommandItem,
  type ReplyError,
} from './client.js';
import { keepSubscribed, type ClusterInternals, type RedirectionHandlers } from './cluster.js';
import { LOGIN_NAME } from './login.js';

/** What is called for the commands, error replies and status changes of one client. */
export interface ClientHooks {
  /**
   * A command that blocks or changes the state of the connection is about to be sent: commands sent from here reach the
   * server before it.
   */
  beforeSend(command: Command): void;
  afterSend(command: Command): void;
  /** The server refused a command. Returns the error to reject it with; `undefined` if it is not rejected. */
  refused(item: CommandItem, reply: ReplyError): Error | undefined;
  /**
   * The status has just changed; its event is emitted in the next tick. ioredis has not acted on it yet (resubscribing and
   * resending when `ready`, flushing its queues at `end`).
   */
  statusChanged(status: string): void;
  /** The client was disconnected permanently while it waited to reconnect, for which ioredis emits no event. */
  release(): void;
}

/** Called with a client that is about to connect or to log in. */
export type Track = (client: Client) => void;

export type ClientPrototype = Pick<
  ClientInternals,
  'sendCommand' | 'handleReconnection' | 'setStatus' | 'disconnect' | 'asking'
>;

/**
 * The property of a client that holds its hooks. Not a WeakMap: a Proxy around a client has this property too, and is the same
 * client.
 */
const HOOKS = Symbol('ioredis-azure');

type HookedClient = Client & { [HOOKS]?: ClientHooks };

const HOOKED_COMMANDS: ReadonlySet<string> = new Set([
  'auth',
  'hello',
  ...BLOCKING_COMMANDS,
  'multi',
  'exec',
  'discard',
  'reset',
  'monitor',
]);

/**
 * The statuses in which a client is tracked. A client of another copy of ioredis with a Connector of its own is found only
 * when it logs in.
 */
const OPEN = /^(?:connecting|connect|ready|monitoring)$/;

const patched = new WeakSet<object>();

/**
 * Patches the methods of a `Redis.prototype`, once for each copy of ioredis, through which all commands, error replies and
 * status changes of its clients pass. Clients without hooks are not affected. No method of a client itself is replaced, so
 * that wrappers of the user stay in place and call these methods; no listener is used, which `removeAllListeners()` would
 * remove.
 *
 * `track` is called with each client that connects or is connected, and with one that logs in without hooks, since its copy
 * of ioredis was not known before.
 */
export function patchPrototype(prototype: ClientPrototype, track: Track): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { sendCommand, handleReconnection, setStatus, disconnect, asking } = prototype;

  prototype.sendCommand = function (this: Client, command, stream) {
    if (!isHooked(command)) return sendCommand.call(this, command, stream);
    if (!hooksOf(this) && LOGIN_NAME.test(command.name)) track(this);
    const hooks = hooksOf(this);
    if (!hooks) return sendCommand.call(this, command, stream);
    hooks.beforeSend(command);
    const result = sendCommand.call(this, command, stream);
    hooks.afterSend(command);
    return result;
  };

  prototype.handleReconnection = function (this: Client, reply, item) {
    const hooks = hooksOf(this);
    const error = hooks ? hooks.refused(item, reply) : reply;
    if (error) handleReconnection.call(this, error, item);
  };

  prototype.setStatus = function (this: Client, status, argument) {
    setStatus.call(this, status, argument);
    // Without a ready check, ioredis 5 is ready even if the connection has closed during the handshake.
    const hasClosed = status === 'ready' && internals(this).stream?.destroyed;
    if (OPEN.test(status) && !hasClosed) track(this);
    const hooks = hooksOf(this);
    if (!hooks) return;
    // ioredis resets this only when a connection closes, but there may have been none to close. It would then regard the
    // next connection as ended by the application, and not replace it when it is lost.
    if (status === 'connecting') internals(this).manuallyClosing = false;
    hooks.statusChanged(status);
  };

  prototype.disconnect = function (this: Client, reconnect = false) {
    disconnect.call(this, reconnect);
    if (!reconnect && this.status === 'reconnecting') hooksOf(this)?.release();
  };

  // Before a command that follows ASK, a cluster sends ASKING, and leaves its failure unhandled if the node is down. The
  // command itself is sent again, or rejected.
  prototype.asking = function (this: Client, ...args) {
    const reply = asking.apply(this, args);
    reply.catch(() => undefined);
    return reply;
  };
}

/**
 * Calls `afterSend` for the hooked commands that are written to a client's current connection, where a wrapper around
 * `sendCommand()` bypasses the patched method: written commands are pushed on this queue, which ioredis creates for each
 * connection.
 */
export function observeCommandQueue(client: Client, hooks: ClientHooks): void {
  const queue = internals(client).commandQueue;
  const { push } = queue;
  queue.push = (item) => {
    const length = push.call(queue, item);
    if (isHooked(item.command)) hooks.afterSend(item.command);
    return length;
  };
}

/** The hooks of a client, or of the client behind a Proxy. */
export function hooksOf(client: Client): ClientHooks | undefined {
  return (client as HookedClient)[HOOKS];
}

export function setHooks(client: Client, hooks: ClientHooks): void {
  Object.defineProperty(client, HOOKS, { value: hooks, configurable: true });
}

export function removeHooks(client: Client, hooks: ClientHooks): void {
  if (hooksOf(client) === hooks) Reflect.deleteProperty(client, HOOKS);
}

function isHooked({ name }: Command): boolean {
  return HOOKED_COMMANDS.has(name.toLowerCase());
}

export interface ClusterPrototype {
  setStatus: (this: ClusterInternals, status: string) => void;
  handleError: (this: ClusterInternals, error: Error, ttl: object, handlers: RedirectionHandlers) => void;
}

/** A redirection, and the slot of one that names an address. */
const REDIRECTION = /^(?:MOVED|ASK) (?:(\d+) [^ ]*:\d+(?: |$))?/;

const SLOTS = 16_384;

/** The refusal of a write, or the end of a command that blocks, by a node that has become a replica. */
const LOST_ROLE = /^(?:READONLY|UNBLOCKED force)\b/;

/**
 * Patches the `Cluster` of a copy of ioredis, once: those that `isManaged` by the password of their nodes keep their
 * subscriptions, and no reply of a node ends the process.
 */
export function patchCluster(prototype: ClusterPrototype, isManaged: (password: unknown) => boolean): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { setStatus, handleError } = prototype;

  prototype.setStatus = function (status) {
    setStatus.call(this, status);
    if (isManaged(this.options.redisOptions?.password)) keepSubscribed(this);
  };

  prototype.handleError = function (error, ttl, handlers) {
    const redirection = REDIRECTION.exec(error.message);
    const hasLostRole = LOST_ROLE.test(error.message) && isManaged(this.options.redisOptions?.password);
    // Without a port ioredis throws an error in its parser, which ends the process.
    if (redirection && !(Number(redirection[1]) < SLOTS)) handlers.defaults();
    // The node has not executed the command: what ioredis does when nodes are down fits here too.
    else if (hasLostRole) handleError.call(this, new Error(`CLUSTERDOWN ${error.message}`), ttl, handlers);
    else handleError.call(this, error, ttl, handlers);
  };
}
