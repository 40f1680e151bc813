import { BLOCKING_COMMANDS } from './blocking-command.js';
import {
  internals,
  type Client,
  type ClientInternals,
  type Command,
  type CommandItem,
  type ReplyError,
} from './client.js';
import { LOGIN_NAME } from './login.js';

/** What is called for the commands, error replies and status changes of one client. */
export interface ClientHooks {
  /**
   * A command that blocks or changes the state of the connection is about to be sent; what is sent in this call
   * reaches the server before it.
   */
  beforeSend(command: Command): void;
  /** That command was sent. */
  afterSend(command: Command): void;
  /** The server refused a command. Returns the error to reject it with; `undefined` if it is not rejected. */
  refused(command: Command, reply: ReplyError): Error | undefined;
  /**
   * The status has just changed; its event is emitted in the next tick. ioredis has not acted on it yet (resubscribing and
   * resending when `ready`, flushing its queues at `end`).
   */
  statusChanged(status: string): void;
  /** The client was disconnected permanently while it waited to reconnect, for which ioredis emits no event. */
  abandoned(): void;
}

/** Called with a client that is about to connect or to log in. */
export type Track = (client: Client) => void;

type HookedMethods = Pick<ClientInternals, 'sendCommand' | 'handleReconnection' | 'setStatus' | 'disconnect'>;

/** The methods of a `Redis.prototype` that are patched. Each is called on a client. */
export type ClientPrototype = {
  [Name in keyof HookedMethods]: (
    this: Client,
    ...args: Parameters<HookedMethods[Name]>
  ) => ReturnType<HookedMethods[Name]>;
};

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

/** Whether a command has hooks, by its name as callers have spelled it: a look-up costs less than a comparison. */
const spellings = new Map<string, boolean>();

/** More than the commands of Redis in two spellings: names that are no commands must not accumulate. */
const MAX_SPELLINGS = 2_000;

/**
 * The statuses in which a client is tracked. A client of another copy of ioredis with a Connector of its own is found only
 * when it logs in.
 */
const OPEN = /^(?:connecting|connect|ready|monitoring)$/;

const patched = new WeakSet<ClientPrototype>();

/**
 * Patches four methods of a `Redis.prototype`, once for each copy of ioredis, through which all commands, error replies and
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
  const { sendCommand, handleReconnection, setStatus, disconnect } = prototype;

  prototype.sendCommand = function (command, stream) {
    if (!isHooked(command.name)) return sendCommand.call(this, command, stream);
    if (!hooksOf(this) && LOGIN_NAME.test(command.name)) track(this);
    const hooks = hooksOf(this);
    if (!hooks) return sendCommand.call(this, command, stream);
    hooks.beforeSend(command);
    const result = sendCommand.call(this, command, stream);
    hooks.afterSend(command);
    return result;
  };

  prototype.handleReconnection = function (reply: ReplyError, item: CommandItem) {
    const hooks = hooksOf(this);
    const error = hooks ? hooks.refused(item.command, reply) : reply;
    if (error) handleReconnection.call(this, error, item);
  };

  prototype.setStatus = function (status, argument) {
    setStatus.call(this, status, argument);
    if (OPEN.test(status)) track(this);
    const hooks = hooksOf(this);
    if (!hooks) return;
    // ioredis resets this only when a connection closes, but there may have been none to close. It would then regard the
    // next connection as ended by the application, and not replace it when it is lost.
    if (status === 'connecting') internals(this).manuallyClosing = false;
    hooks.statusChanged(status);
  };

  prototype.disconnect = function (reconnect = false) {
    disconnect.call(this, reconnect);
    if (!reconnect && this.status === 'reconnecting') hooksOf(this)?.abandoned();
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
    if (isHooked(item.command.name)) hooks.afterSend(item.command);
    return length;
  };
}

/** The hooks of a client, or of the client behind a Proxy. */
export function hooksOf(client: Client): ClientHooks | undefined {
  return (client as HookedClient)[HOOKS];
}

/** Sets the hooks of this client, which replace any others. */
export function setHooks(client: Client, hooks: ClientHooks): void {
  Object.defineProperty(client, HOOKS, { value: hooks, configurable: true });
}

/** Removes the hooks of this client, if it has these. */
export function removeHooks(client: Client, hooks: ClientHooks): void {
  if (hooksOf(client) === hooks) Reflect.deleteProperty(client, HOOKS);
}

function isHooked(name: string): boolean {
  return spellings.get(name) ?? learn(name);
}

function learn(name: string): boolean {
  const isKnown = HOOKED_COMMANDS.has(name.toLowerCase());
  if (spellings.size < MAX_SPELLINGS) spellings.set(name, isKnown);
  return isKnown;
}
