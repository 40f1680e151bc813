import { canBecomeReady } from './client-state.js';
import { connectionClosed } from './command-queues.js';
import {
  internals,
  type Client,
  type ClientInternals,
  type Command,
  type CommandItem,
  type ReplyError,
} from './client.js';

/** Callbacks for the commands, error replies and status changes of one client. */
export interface HookHandlers {
  /** Called before {@link sending}: commands that are sent in this call reach the server before this one. */
  preparing(command: Command): void;
  /** A command that blocks or subscribes, or that changes the login or the transaction, is about to be sent. */
  sending(command: Command): void;
  /** That command was sent. */
  sent(command: Command): void;
  /** The server refused a command; `passThrough` lets ioredis reject it with this error or another one. */
  refused(command: Command, reply: ReplyError, passThrough: (error: Error) => void): void;
  /**
   * The status has just changed; its event is emitted in the next tick. ioredis has not acted on it yet (resubscribing and
   * resending when `ready`, flushing its queues at `end`).
   */
  statusChanged(status: string): void;
  /** The client was disconnected permanently while it waited to reconnect, for which ioredis emits no event. */
  endedSilently(): void;
}

/** Called with a client that is about to connect or to log in. */
export type Track = (client: Client) => void;

type HookedMethods = Pick<
  ClientInternals,
  'sendCommand' | 'handleReconnection' | 'setStatus' | 'disconnect' | '_readyCheck'
>;

/** The methods of a `Redis.prototype` that are patched. Each is called on a client. */
export type ClientPrototype = {
  [Name in keyof HookedMethods]: (
    this: Client,
    ...args: Parameters<HookedMethods[Name]>
  ) => ReturnType<HookedMethods[Name]>;
};

/**
 * The property of a client that holds its handlers. Not a WeakMap: a Proxy around a client has this property too, and is
 * the same client.
 */
const HANDLERS = Symbol('ioredis-azure');

type HookedClient = Client & { [HANDLERS]?: HookHandlers };

/** The commands for {@link HookHandlers.sending}. Their names are spelled as the caller spells them. */
const NOTEWORTHY =
  /^(?:auth|hello|multi|exec|discard|reset|[ps]?subscribe|b[lr]pop|brpoplpush|blmove|b[lz]mpop|bzpop(?:min|max)|xread(?:group)?|wait(?:aof)?)$/i;

const LOGIN = /^(?:auth|hello)$/i;

/**
 * The commands that change the state of the connection, other than its login. ioredis 5 writes them as soon as the socket is
 * open: before its own INFO, which a MULTI would queue and a SUBSCRIBE forbid, before it has subscribed again, and before
 * the commands that wait in the offline queue. ioredis 6 itself keeps them until the connection is ready.
 */
const WAITS_UNTIL_READY = /^(?:multi|exec|discard|reset|(?:un)?watch|[ps]?(?:un)?subscribe)$/i;

/**
 * The statuses in which a client is tracked. The first client of another copy of ioredis, if it has a custom connector, is
 * not found before it logs in.
 */
const OPEN = /^(?:connecting|connect|ready|monitoring)$/;

const patched = new WeakSet<ClientPrototype>();

/**
 * Patches five methods of a `Redis.prototype`, once for each copy of ioredis, through which all commands, error replies and
 * status changes of its clients pass. Clients without handlers are not affected. No method of a client itself is replaced, so
 * that wrappers of the user stay in place and call these methods; no listener is used, which `removeAllListeners()` would
 * remove.
 *
 * `track` is called with each client that connects or is connected, and with one that logs in without handlers, since its
 * copy of ioredis was not known before.
 */
export function patchPrototype(prototype: ClientPrototype, track: Track): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { sendCommand, handleReconnection, setStatus, disconnect, _readyCheck } = prototype;

  prototype.sendCommand = function (command, stream) {
    if (this.status !== 'ready' && handlersOf(this)) {
      if (isVersionOfIoredis(command) && !canBecomeReady(this)) {
        command.reject(connectionClosed());
        return command.promise;
      }
      if (this.status === 'connect' && WAITS_UNTIL_READY.test(command.name)) {
        return whileConnecting(this, () => sendCommand.call(this, command, stream));
      }
    }
    if (!NOTEWORTHY.test(command.name)) return sendCommand.call(this, command, stream);
    if (LOGIN.test(command.name) && !handlersOf(this)) track(this);
    const handlers = handlersOf(this);
    if (!handlers) return sendCommand.call(this, command, stream);
    handlers.preparing(command);
    handlers.sending(command);
    const result = sendCommand.call(this, command, stream);
    handlers.sent(command);
    return result;
  };

  prototype.handleReconnection = function (reply: ReplyError, item: CommandItem) {
    const handlers = handlersOf(this);
    if (!handlers) {
      handleReconnection.call(this, reply, item);
      return;
    }
    handlers.refused(item.command, reply, (error) => {
      handleReconnection.call(this, error, item);
    });
  };

  prototype.setStatus = function (status, argument) {
    setStatus.call(this, status, argument);
    if (OPEN.test(status)) track(this);
    const handlers = handlersOf(this);
    if (!handlers) return;
    // ioredis resets this only when a connection closes, but there may have been none to close. It would then regard the
    // next connection as ended by the application, and not replace it when it is lost.
    if (status === 'connecting') internals(this).manuallyClosing = false;
    handlers.statusChanged(status);
  };

  prototype.disconnect = function (reconnect = false) {
    disconnect.call(this, reconnect);
    if (!reconnect && this.status === 'reconnecting') handlersOf(this)?.endedSilently();
  };

  prototype._readyCheck = function (callback) {
    // Its INFO would wait in the offline queue, perhaps behind a MULTI, although the next connection has a check of its own.
    if (handlersOf(this) && !canBecomeReady(this)) return;
    _readyCheck.call(this, callback);
  };
}

/**
 * Calls `sending` and `sent` for the noteworthy commands that are written to a client's current connection, where a
 * wrapper around `sendCommand()` bypasses the patched method: written commands are pushed on this queue, which ioredis
 * creates for each connection.
 */
export function observeCommandQueue(client: Client, handlers: HookHandlers): void {
  const queue = internals(client).commandQueue;
  const { push } = queue;
  queue.push = (item) => {
    const { command } = item;
    const isNoteworthy = NOTEWORTHY.test(command.name);
    if (isNoteworthy) handlers.sending(command);
    const length = push.call(queue, item);
    if (isNoteworthy) handlers.sent(command);
    return length;
  };
}

/**
 * Whether this is the handshake's command with the version of ioredis. ioredis 5 first reads it from a file: the
 * connection may have closed, and the command would wait in the offline queue, as a ready check would.
 */
function isVersionOfIoredis({ name, args }: Command): boolean {
  return name === 'client' && args[0] === 'SETINFO' && args[1] === 'LIB-VER';
}

/** Calls `send` while ioredis queues every command, or rejects it without an offline queue. */
function whileConnecting<Result>(client: Client, send: () => Result): Result {
  const state = internals(client);
  const { status } = state;
  state.status = 'connecting';
  try {
    return send();
  } finally {
    state.status = status;
  }
}

/** The handlers of a client, or of the client behind a Proxy. */
export function handlersOf(client: Client): HookHandlers | undefined {
  return (client as HookedClient)[HANDLERS];
}

/** Sets the handlers of this client, which replace any others. */
export function setHandlers(client: Client, handlers: HookHandlers): void {
  Object.defineProperty(client, HANDLERS, { value: handlers, configurable: true });
}

/** Removes the handlers of this client, if it has these. */
export function removeHandlers(client: Client, handlers: HookHandlers): void {
  if (handlersOf(client) === handlers) Reflect.deleteProperty(client, HANDLERS);
}
