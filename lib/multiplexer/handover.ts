import { randomUUID } from 'node:crypto';
import type { Delivery } from '../connection/events.js';
import { settlesWithin } from '../timing/close-signal.js';
import { PRIVATE_PREFIX, type Message } from './channels.js';
import { closedError } from './client-lifecycle.js';
import { ConnectionLost, type SubscriberConnection } from './subscriber-connection.js';

/**
 * Merges the messages of two connections into one stream: those that the old connection receives before a marker, then
 * those that the next one receives after it.
 *
 * The server publishes to all subscribers in one order. Two connections with the same subscriptions therefore receive the
 * same messages in the same order, though at different times, and a published marker has the same position in both
 * streams. The marker alone identifies duplicates; messages are never compared.
 */
export class Handover<Connection = SubscriberConnection> {
  /** The channel of the marker, with a unique name for each handover. */
  readonly marker = `${PRIVATE_PREFIX}handover:${randomUUID()}`;
  readonly #old: Connection;
  readonly #deliver: (message: Message) => void;
  #hasSwitched = false;
  #oldPassedMarker = false;
  /** Messages of the old connection after its marker: delivered if the next one is lost before its own marker. */
  readonly #afterMarker: Message[] = [];
  /** Messages of the next connection: all are delivered if the old one is lost before its marker. */
  readonly #held: Message[] = [];
  /** The number of held messages that arrived before the marker. */
  #heldBeforeMarker: number | undefined;
  /** Resolves when both connections have passed the marker, or after `interrupt()`. */
  readonly settled: Promise<void>;
  /** The marker need not be awaited any longer: a connection is lost, or the subscriber is closed. */
  interrupt: () => void = () => undefined;

  constructor(old: Connection, deliver: (message: Message) => void) {
    this.#old = old;
    this.#deliver = deliver;
    this.settled = new Promise((resolve) => {
      this.interrupt = resolve;
    });
  }

  /** Whether both connections have passed the marker: every message is delivered exactly once. */
  get isComplete(): boolean {
    return this.#oldPassedMarker && this.#heldBeforeMarker !== undefined;
  }

  /** A message, or the marker, arrived on one of the two connections. */
  receive(connection: Connection, message: Message): void {
    const isOld = connection === this.#old;
    if (message.name !== this.marker) this.#receive(isOld, message);
    else {
      if (isOld) this.#oldPassedMarker = true;
      else this.#heldBeforeMarker = this.#held.length;
      if (!this.isComplete) return;
      this.takeOver(this.#heldBeforeMarker);
      this.interrupt();
    }
  }

  /**
   * Switches to the next connection without waiting for markers any longer. All of its messages are delivered. Some may have
   * arrived on the old connection too, but none is lost if the old connection received everything that was published before
   * the next one was subscribed.
   *
   * @param alreadyDelivered How many of the held messages the old connection has received, too.
   */
  takeOver(alreadyDelivered = 0): void {
    if (this.#hasSwitched) return;
    this.#hasSwitched = true;
    for (const message of this.#held.slice(alreadyDelivered)) this.#deliver(message);
  }

  /** Ends the handover: the next connection is lost, and the old one continues without it. */
  abandon(): void {
    if (!this.#hasSwitched) for (const message of this.#afterMarker) this.#deliver(message);
  }

  #receive(isOld: boolean, message: Message): void {
    if (isOld && this.#hasSwitched) return;
    if (isOld && this.#oldPassedMarker) this.#afterMarker.push(message);
    else if (isOld || this.#hasSwitched) this.#deliver(message);
    else this.#held.push(message);
  }
}

/** How long the connections may take to pass the marker before the switch goes on without it, in ms. */
const MARKER_TIMEOUT = 5_000;

/** How long connections to two nodes both receive, in ms: far longer than nodes take to forward a message. */
const OVERLAP = 1_000;

/**
 * Switches from `old` to `next`, which has its subscriptions.
 *
 * @param publish Publishes a marker. That of shard channels is an ordinary message, too: it takes the same place in what all
 *   connections to a node receive.
 * @throws ConnectionLost, or `CLOSED` after `signal`; `old` stays in use then.
 */
export async function switchOver(
  handover: Handover,
  old: SubscriberConnection,
  next: SubscriberConnection,
  publish: (marker: string) => Promise<unknown>,
  signal: AbortSignal,
): Promise<Delivery> {
  let inUse = old;
  try {
    await passMarker(handover, old, next, publish);
    if (signal.aborted) throw closedError();
    const hasAll = handover.isComplete || (await old.hasReceivedAll());
    if (!next.isLive) throw new ConnectionLost();
    handover.takeOver();
    inUse = next;
    old.stopListening();
    if (handover.isComplete) return 'exactly-once';
    return hasAll ? 'at-least-once' : deliveryAcrossGap(old, next);
  } catch (error) {
    handover.abandon();
    next.stopListening();
    throw error;
  } finally {
    const { marker } = handover;
    // If this fails, the channel stays subscribed, and no application sees it.
    if (inUse.has('subscribe', marker)) inUse.unsubscribe('subscribe', [marker]).catch(() => undefined);
  }
}

/** Publishes the marker, and waits until both connections have passed it. Without it, they overlap. */
async function passMarker(
  { marker, settled }: Handover,
  old: SubscriberConnection,
  next: SubscriberConnection,
  publish: (marker: string) => Promise<unknown>,
): Promise<void> {
  const passing = async (): Promise<void> => {
    const subscribing = [old, next].map((connection) => connection.subscribe('subscribe', [marker]));
    const refusals = await Promise.all(subscribing);
    // The role may not permit it.
    if (refusals.flat().length > 0) return;
    await publish(marker);
    await settled;
  };
  // Either connection may be lost.
  if (isSameNode(old, next)) await settlesWithin(MARKER_TIMEOUT, Promise.race([passing(), settled]));
  else await settlesWithin(OVERLAP, settled);
}

/** Another node may lag behind, and deliver recent messages again. */
export function deliveryAcrossGap(old: SubscriberConnection, next: SubscriberConnection): Delivery {
  return isSameNode(old, next) ? 'at-most-once' : 'best-effort';
}

function isSameNode(old: SubscriberConnection, next: SubscriberConnection): boolean {
  return old.endpoint === next.endpoint;
}
