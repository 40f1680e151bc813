import { randomUUID } from 'node:crypto';
import { PRIVATE_PREFIX, type Message } from './channels.js';

/**
 * Merges the messages of two connections into one stream: those that the old connection receives before a marker, then
 * those that the next one receives after it.
 *
 * The server publishes to all subscribers in one order. Two connections with the same subscriptions therefore receive the
 * same messages in the same order, though at different times, and a published marker has the same position in both
 * streams. The marker alone identifies duplicates; messages are never compared.
 */
export class Handover<Connection> {
  /** The channel of the marker, with a unique name for each handover. */
  readonly marker = `${PRIVATE_PREFIX}handover:${randomUUID()}`;
  readonly #old: Connection;
  readonly #deliver: (message: Message) => void;
  #phase: 'running' | 'switched' | 'abandoned' = 'running';
  #oldPassedMarker = false;
  /** Messages of the old connection after its marker: delivered if the next one is lost before its own marker. */
  readonly #afterMarker: Message[] = [];
  /** Messages of the next connection: all are delivered if the old one is lost before its marker. */
  readonly #held: Message[] = [];
  /** The number of held messages that arrived before the marker. */
  #heldBeforeMarker: number | undefined;
  #complete: () => void = () => undefined;
  /** Resolves when both connections have passed the marker, and every message has been delivered exactly once. */
  readonly completed: Promise<void>;

  constructor(old: Connection, deliver: (message: Message) => void) {
    this.#old = old;
    this.#deliver = deliver;
    this.completed = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  /** Whether both connections have passed the marker. */
  get isComplete(): boolean {
    return this.#oldPassedMarker && this.#heldBeforeMarker !== undefined;
  }

  /** A message, or the marker, arrived on one of the two connections. */
  receive(connection: Connection, message: Message): void {
    const isMarker = message.name === this.marker;
    if (connection === this.#old) {
      if (isMarker) this.#oldReachedMarker();
      else this.#receiveFromOld(message);
    } else if (isMarker) this.#nextReachedMarker();
    else this.#receiveFromNext(message);
  }

  /**
   * Switches to the next connection without waiting for markers any longer. All of its messages are delivered. Some may have
   * arrived on the old connection too, but none is lost if the old connection received everything that was published before
   * the next one was subscribed.
   */
  takeOver(): void {
    this.#switch(0);
  }

  /** Keeps the old connection: the next one is lost. */
  abandon(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'abandoned';
    for (const message of this.#afterMarker) this.#deliver(message);
  }

  #receiveFromOld(message: Message): void {
    if (this.#phase === 'switched') return;
    if (this.#phase === 'running' && this.#oldPassedMarker) this.#afterMarker.push(message);
    else this.#deliver(message);
  }

  #receiveFromNext(message: Message): void {
    if (this.#phase === 'running') this.#held.push(message);
    else if (this.#phase === 'switched') this.#deliver(message);
  }

  #oldReachedMarker(): void {
    this.#oldPassedMarker = true;
    this.#switchIfComplete();
  }

  #nextReachedMarker(): void {
    this.#heldBeforeMarker = this.#held.length;
    this.#switchIfComplete();
  }

  #switchIfComplete(): void {
    if (!this.isComplete) return;
    this.#switch(this.#heldBeforeMarker ?? 0);
    this.#complete();
  }

  #switch(alreadyDelivered: number): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'switched';
    for (const message of this.#held.slice(alreadyDelivered)) this.#deliver(message);
    this.#held.length = 0;
  }
}
