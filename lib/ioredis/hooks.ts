import { internals, type Client, type ClientInternals, type Command, type ReplyError } from './client.js';

/** Who is told of what passes through a client. */
export interface HookHandlers {
  /** A command that changes who is logged in, or whether a transaction is open, is about to be sent. */
  sending(command: Command): void;
  /** It was sent. */
  sent(command: Command): void;
  /** The server refused a command; `handOn` lets ioredis reject it with this error or another. */
  refused(command: Command, reply: ReplyError, handOn: (error: Error) => void): void;
  /** The client has another status; its event has just been emitted. */
  status(status: string): void;
  /** The client was disconnected for good while it waited for its next attempt: ioredis tells nobody of that end. */
  endedSilently(): void;
}

const NOTEWORTHY = /^(?:auth|hello|multi|exec|discard|reset)$/i;

/**
 * Tells a watcher of the noteworthy commands, the error replies and the status of one client, by methods of its own
 * before those of its prototype. Commands that are not noteworthy cost one comparison of their name. No listener is
 * used, so that `removeAllListeners()` takes nothing away.
 */
export class ClientHooks {
  readonly #client: ClientInternals;
  readonly #methods: Pick<ClientInternals, 'sendCommand' | 'handleReconnection' | 'setStatus' | 'disconnect'>;

  constructor(client: Client, watcher: HookHandlers) {
    const inner = internals(client);
    const { sendCommand, handleReconnection, setStatus, disconnect } = inner;
    this.#client = inner;
    this.#methods = {
      sendCommand: (command, stream) => {
        if (!NOTEWORTHY.test(command.name)) return sendCommand.call(client, command, stream);
        watcher.sending(command);
        const result = sendCommand.call(client, command, stream);
        watcher.sent(command);
        return result;
      },
      handleReconnection: (reply, item) => {
        watcher.refused(item.command, reply, (error) => {
          handleReconnection.call(client, error, item);
        });
      },
      setStatus: (status, argument) => {
        setStatus.call(client, status, argument);
        process.nextTick(() => {
          watcher.status(status);
        });
      },
      disconnect: (reconnect = false) => {
        disconnect.call(client, reconnect);
        if (!reconnect && client.status === 'reconnecting') watcher.endedSilently();
      },
    };
    this.reapply();
  }

  /** Puts the methods in place again: ioredis deletes `sendCommand` when the connection of a MONITOR closes. */
  reapply(): void {
    Object.assign(this.#client, this.#methods);
  }

  /** Leaves the client as ioredis made it: the methods of its prototype show again. */
  remove(): void {
    for (const [name, method] of Object.entries(this.#methods)) {
      if (Reflect.get(this.#client, name) === method) Reflect.deleteProperty(this.#client, name);
    }
  }
}
