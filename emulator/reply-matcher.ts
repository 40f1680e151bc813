import {
  awaitedReply,
  RESHAPES_EXEC,
  SUBSCRIPTIONS,
  type Awaited,
  type Subscriptions,
} from './awaited-reply.js';
import type { Command } from './resp/command-framer.js';
import type { Element, Reply } from './resp/reply-framer.js';
import { ReplyFramer } from './resp/reply-framer.js';

/** The outcomes of the logins of a connection. `Login` is the caller's own representation of a login. */
export interface ReplyMatcherListener<Login> {
  /** The server accepted the login. */
  accepted(login: Login): void;
  /** The server rejected the login. */
  refused(login: Login): void;
  /** RESET logged the connection out. */
  reset(): void;
}

const MESSAGES = new Set(['message', 'pmessage', 'smessage']);
const MONITOR_LINE = /^\d+\.\d{6} \[/;

/**
 * Pairs the replies of a server with their commands, so that a login counts as successful only when the server accepts it:
 * not when it is queued until EXEC, and not when the server rejects it.
 *
 * Messages, pushes and the lines of MONITOR are not replies. In RESP2, they are recognised by following the subscriptions of
 * the connection.
 */
export class ReplyMatcher<Login> {
  readonly #listener: ReplyMatcherListener<Login>;
  readonly #framer: ReplyFramer;
  #awaited: Awaited<Login>[] = [];
  #lost = false;
  #loggedIn = false;
  #protocol: 2 | 3 = 2;
  #monitoring = false;
  #silenced = false;
  #skipNext = false;
  /** The commands of the open transaction. */
  #queued: Awaited<Login>[] | undefined;
  readonly #subscriptions: Record<Subscriptions, number> = { channel: 0, pattern: 0, shardChannel: 0 };

  constructor(listener: ReplyMatcherListener<Login>) {
    this.#listener = listener;
    this.#framer = new ReplyFramer({
      elementsWanted: (type, count) => this.#elementsWanted(type, count),
      isAside: (text) => this.#monitoring && MONITOR_LINE.test(text),
      reply: (reply) => {
        this.#reply(reply);
      },
    });
  }

  /** The version of RESP that the connection speaks. */
  get protocol(): 2 | 3 {
    return this.#protocol;
  }

  /** Whether the next command may be queued until EXEC. */
  get inTransaction(): boolean {
    return this.#queued !== undefined || this.#awaited.some(({ kind }) => kind === 'multi');
  }

  /** Whether replies to commands are pending. */
  get pending(): boolean {
    return this.#awaited.length > 0;
  }

  /** Whether a client that sends nothing more still has a reply to wait for. */
  get settled(): boolean {
    const [next] = this.#awaited;
    return next === undefined || next.kind === 'blocking';
  }

  /** Records a command that is sent to the server. */
  expect(command: Command): void {
    if (this.#lost) return;
    if (command.name === 'sync' || command.name === 'psync') this.#lose();
    else this.#await(awaitedReply(command));
  }

  /** Records a command that the server does not know: whatever its name says, it has one reply. */
  expectRefusal(): void {
    if (!this.#lost) this.#await({ kind: 'plain', count: 1 });
  }

  /** Records a CLIENT command: CLIENT REPLY switches replies on and off. */
  expectClient(subcommand: string, mode: string): void {
    if (this.#lost) return;
    const kinds = { off: 'silence', skip: 'skip', on: 'speak' } as const;
    const known = subcommand === 'reply' && (mode === 'off' || mode === 'skip' || mode === 'on');
    this.#await(known ? { kind: kinds[mode] } : { kind: 'plain', count: 1 });
  }

  /** Records a login; `passed` is the result of the endpoint's own checks, used when the server sends no reply. */
  expectLogin(login: Login, passed: boolean): void {
    if (this.#lost) this.#settle(login, passed);
    else this.#await({ kind: 'login', login, passed });
  }

  /** Reads the server's output on its way to the client. */
  push(chunk: Buffer): void {
    if (this.#lost) return;
    this.#framer.push(chunk);
    if (this.#framer.malformed) this.#lose();
  }

  /** Stops matching replies. */
  #lose(): void {
    this.#lost = true;
    for (const entry of this.#queued ?? []) this.#drop(entry);
    for (const entry of this.#awaited.splice(0)) this.#drop(entry);
  }

  /** Discards a command whose reply cannot be observed. */
  #drop(entry: Awaited<Login>): void {
    if (entry.kind === 'login') this.#settle(entry.login, entry.passed);
  }

  #settle(login: Login, accepted: boolean): void {
    if (accepted) {
      this.#loggedIn = true;
      this.#listener.accepted(login);
    } else {
      this.#listener.refused(login);
    }
  }

  #await(entry: Awaited<Login>): void {
    if (entry.kind === 'speak' || entry.kind === 'reset') this.#silenced = false;
    if (this.#skipNext || this.#silenced) {
      this.#skipNext = false;
      this.#drop(entry);
      return;
    }
    const last = this.#awaited.at(-1);
    // Millions of commands can be pending: equal ones are counted instead of stored one by one.
    if (entry.kind === 'plain' && last?.kind === 'plain') last.count++;
    else this.#awaited.push(entry);
    this.#passOverSilent();
  }

  /** CLIENT REPLY OFF and SKIP, once they run, have no reply; neither does a second MONITOR. */
  #passOverSilent(): void {
    for (;;) {
      const [next] = this.#awaited;
      const repeated = next?.kind === 'monitor' && this.#monitoring;
      if (next?.kind !== 'silence' && next?.kind !== 'skip' && !repeated) return;
      if (!this.#loggedIn || this.#queued !== undefined || this.#subscribedInResp2) return;
      this.#awaited.shift();
      if (next.kind === 'skip') this.#dropNext();
      else if (next.kind === 'silence') this.#dropUntilSpeaking();
    }
  }

  #dropNext(): void {
    const [next] = this.#awaited;
    if (next === undefined) {
      this.#skipNext = true;
    } else {
      this.#shift(next);
      this.#drop(next);
    }
  }

  #dropUntilSpeaking(): void {
    const speaking = this.#awaited.findIndex(({ kind }) => kind === 'speak' || kind === 'reset');
    this.#silenced = speaking === -1;
    const dropped = this.#awaited.splice(0, speaking === -1 ? this.#awaited.length : speaking);
    for (const entry of dropped) this.#drop(entry);
  }

  #shift(next: Awaited<Login>): void {
    if (next.kind === 'plain' && next.count > 1) next.count--;
    else this.#awaited.shift();
  }

  get #subscribedInResp2(): boolean {
    return this.#protocol === 2 && this.#subscribed;
  }

  get #subscribed(): boolean {
    const { channel, pattern, shardChannel } = this.#subscriptions;
    return channel + pattern + shardChannel > 0;
  }

  #elementsWanted(type: string, count: number): number {
    if (type === '>') return 3;
    if (type !== '*' && type !== '~') return 0;
    const [next] = this.#awaited;
    if (this.#subscribedInResp2 || next?.kind === 'subscription') return 3;
    if (next?.kind !== 'exec') return 0;
    // Within a transaction these do not yield exactly one element of its result: matching is impossible from here on.
    if (this.#queued?.some((entry) => RESHAPES_EXEC.has(entry.kind)) === true) this.#lose();
    return count;
  }

  #reply(reply: Reply): void {
    if (this.#lost) return;
    const name = reply.elements[0]?.text ?? '';
    const [next] = this.#awaited;
    if (reply.type === '>' || (reply.type === '*' && this.#protocol === 2)) {
      const subscriptions = SUBSCRIPTIONS.get(name);
      if (subscriptions !== undefined && (this.#subscribed || next?.kind === 'subscription')) {
        this.#subscription(name, subscriptions, Number(reply.elements[2]?.text ?? 0));
        return;
      }
      if (reply.type === '>' || (this.#subscribed && MESSAGES.has(name))) return;
    }
    if (next === undefined) return;
    this.#shift(next);
    this.#answered(next, reply);
    this.#passOverSilent();
  }

  #subscription(name: string, subscriptions: Subscriptions, total: number): void {
    const [next] = this.#awaited;
    const held = this.#subscriptions;
    if (next?.kind === 'subscription' && next.name === name) {
      // UNSUBSCRIBE without arguments has one reply for each subscription that it ends, and one if there is none.
      next.answersLeft = (next.answersLeft ?? Math.max(1, held[subscriptions])) - 1;
      if (next.answersLeft === 0) this.#awaited.shift();
    }
    // The server reports the total of channels and patterns.
    if (subscriptions === 'channel') held.channel = total - held.pattern;
    else if (subscriptions === 'pattern') held.pattern = total - held.channel;
    else held.shardChannel = total;
    this.#passOverSilent();
  }

  #answered(entry: Awaited<Login>, reply: Reply): void {
    if (reply.type === '+' && reply.text === 'QUEUED' && this.#queued !== undefined) {
      this.#queued.push(entry);
    } else {
      this.#outcome(entry, reply);
    }
  }

  #outcome(entry: Awaited<Login>, reply: Reply): void {
    const succeeded = reply.type !== '-' && reply.text !== 'QUEUED';
    switch (entry.kind) {
      case 'login':
        if (succeeded) {
          this.#readProtocol(reply);
          this.#settle(entry.login, true);
        } else if (reply.text.startsWith('WRONGPASS')) {
          this.#settle(entry.login, false);
        }
        break;
      case 'hello':
        if (succeeded) this.#readProtocol(reply);
        break;
      case 'multi':
        if (succeeded) this.#queued = [];
        break;
      case 'exec':
        this.#executed(reply);
        break;
      case 'discard':
        this.#queued = undefined;
        break;
      case 'monitor':
        this.#monitoring = succeeded;
        break;
      case 'reset':
        this.#reset();
        break;
      default:
    }
  }

  /** Reads the protocol from the reply to HELLO: a map in RESP3, an array in RESP2. The reply to AUTH is neither. */
  #readProtocol({ type }: Element): void {
    if (type === '%') this.#protocol = 3;
    else if (type === '*') this.#protocol = 2;
  }

  #executed(reply: Reply): void {
    const queued = this.#queued ?? [];
    this.#queued = undefined;
    queued.forEach((entry, index) => {
      const element = reply.elements[index];
      if (element !== undefined) this.#outcome(entry, { ...element, elements: [] });
    });
  }

  #reset(): void {
    this.#loggedIn = false;
    this.#protocol = 2;
    this.#monitoring = false;
    this.#queued = undefined;
    Object.assign(this.#subscriptions, { channel: 0, pattern: 0, shardChannel: 0 });
    this.#listener.reset();
  }
}
