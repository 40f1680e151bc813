import { exists, hasFlag } from '@ioredis/commands';
import type { ManagedClient } from '../connection/managed-client.js';
import { blockingTime } from '../ioredis/blocking-command.js';
import { bytesWritten, sendPing, vitalSignsOf, type Command, type VitalSigns } from '../ioredis/client.js';

/** Commands that concern the connection or the state of the server alone: a working server answers them at once. */
const ANSWERED_AT_ONCE =
  /^(?:ping|auth|hello|select|client|info|cluster|readonly|asking|quit|[ps]?(?:un)?subscribe)$/i;

/** Commands in O(1) that Redis does not call fast, since they may have to free a large value. */
const FAST = /^p?set(?:ex)?$/;

/** Whether the present connection of a client owes a reply, and for how long, judged by counters of ioredis and of its socket. */
export class Pulse {
  readonly client: ManagedClient;
  /** When the connection was last found idle or in use (`performance.now()`). */
  #checkedAt: number;
  #bytesWritten: number | undefined;
  /** What the last observation saw, if a reply was due then. */
  #due: VitalSigns | undefined;
  /** For how long a reply has been due while no byte was received or sent, in ms. */
  silence = 0;

  /** @param checkedAt In the past by a random part of the heartbeat interval, so that not all clients send PING in one turn. */
  constructor(client: ManagedClient, checkedAt: number) {
    this.client = client;
    this.#checkedAt = checkedAt;
  }

  /** The command whose reply is due next. */
  get awaited(): Command | undefined {
    return this.#due?.awaited;
  }

  /** Its name; `MONITOR` on a connection in that mode. */
  get awaitedName(): string {
    return this.awaited?.name.toUpperCase() ?? 'MONITOR';
  }

  /** Whether a working server answers what is due at once, so that a missing reply is a fault of the connection. */
  get isAnsweredAtOnce(): boolean {
    const isLoggingIn = this.client.client.status === 'connect';
    return !this.awaited || isLoggingIn || ANSWERED_AT_ONCE.test(this.awaited.name);
  }

  /** Whether Redis calls the command fast, or the command says itself how long it blocks. Others may take any time. */
  get isFast(): boolean {
    const { awaited } = this;
    if (!awaited) return false;
    const name = awaited.name.toLowerCase();
    // The flags are those that ioredis itself reads.
    return blockingTime(awaited) > 0 || FAST.test(name) || (exists(name) && hasFlag(name, 'fast'));
  }

  /**
   * How long the reply may take before it is late, in ms: while a command blocks, `Infinity` if without a limit. In MONITOR
   * mode, the heartbeat interval, since a server without traffic has nothing to send.
   */
  allowance(heartbeatInterval: number): number {
    if (this.awaited) return blockingTime(this.awaited);
    return heartbeatInterval > 0 ? heartbeatInterval : Infinity;
  }

  /** @param elapsed The time since the last observation in which the process could read, in ms. */
  observe(elapsed: number): void {
    const before = this.#due;
    this.#due = vitalSignsOf(this.client.client);
    this.silence = before && this.#due && !showsLife(before, this.#due) ? this.silence + elapsed : 0;
  }

  /** Sends PING once in each interval in which nothing else was written. */
  pingIfIdle(now: number, interval: number): void {
    // Half a millisecond of tolerance, since observations are not whole numbers apart.
    if (now - this.#checkedAt < interval - 0.5) return;
    this.#checkedAt = now;
    const { client } = this.client;
    if (bytesWritten(client) === this.#bytesWritten) this.ping();
    this.#bytesWritten = bytesWritten(client);
  }

  /**
   * Sends PING, unless a reply is due already. In a transaction, it would be queued and shift the results; in MONITOR mode,
   * ioredis rejects it; behind a command that blocks, it is not answered, and its missing acknowledgement would keep TCP from
   * sending keep-alive probes.
   */
  ping(): void {
    const { client, connection } = this.client;
    if (this.silence > 0 || (this.awaited && blockingTime(this.awaited) > 0)) return;
    if (!connection?.isLive || client.mode === 'monitor' || connection.transaction.isOpen) return;
    // That it is not answered is noticed by the next observations.
    sendPing(client);
  }
}

function showsLife(before: VitalSigns, now: VitalSigns): boolean {
  const hasSent = before.bytesUnsent > 0 && now.bytesUnsent !== before.bytesUnsent;
  return hasSent || now.bytesRead !== before.bytesRead;
}
