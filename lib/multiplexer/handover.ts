/**
 * Makes one stream of messages of two: what the old connection receives up to a mark, then what the new one receives
 * after it.
 *
 * The server publishes to all of its subscribers in one order. Two connections that are subscribed to the same channels
 * therefore receive the same messages in the same order, though at different times, and a mark that was published stands
 * at the same place among them: nothing has to be compared to tell which of the new one's messages are known already.
 */
export class Handover<Message> {
  readonly #deliver: (message: Message) => void;
  #phase: 'under way' | 'switched' | 'abandoned' = 'under way';
  #oldPassed = false;
  /** What came on the old connection after its mark: it counts if the new one is lost before it gets there. */
  readonly #afterMark: Message[] = [];
  /** What came on the new connection: it counts as a whole if the old one is lost before it gets to the mark. */
  readonly #held: Message[] = [];
  /** How many of those came before the mark. */
  #heldBeforeMark: number | undefined;
  #complete: () => void = () => undefined;
  /** Resolves when both connections have passed the mark, and every message has been delivered exactly once. */
  readonly completed: Promise<void>;

  constructor(deliver: (message: Message) => void) {
    this.#deliver = deliver;
    this.completed = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  /** Whether both connections have passed the mark. */
  get isComplete(): boolean {
    return this.#oldPassed && this.#heldBeforeMark !== undefined;
  }

  fromOld(message: Message): void {
    if (this.#phase === 'switched') return;
    if (this.#phase === 'under way' && this.#oldPassed) this.#afterMark.push(message);
    else this.#deliver(message);
  }

  fromNew(message: Message): void {
    if (this.#phase === 'under way') this.#held.push(message);
    else if (this.#phase === 'switched') this.#deliver(message);
  }

  oldPassedMark(): void {
    this.#oldPassed = true;
    this.#switchWhenComplete();
  }

  newPassedMark(): void {
    this.#heldBeforeMark = this.#held.length;
    this.#switchWhenComplete();
  }

  /**
   * Goes over to the new connection without waiting for marks any longer. Everything that it has received is delivered:
   * some of it may have come on the old one too, but nothing that was published since it is subscribed is lost, if the
   * old one has delivered what was published before.
   */
  takeOver(): void {
    this.#switch(0);
  }

  /** Stays with the old connection, as if nothing had been: the new one is lost. */
  abandon(): void {
    if (this.#phase !== 'under way') return;
    this.#phase = 'abandoned';
    for (const message of this.#afterMark) this.#deliver(message);
  }

  #switchWhenComplete(): void {
    if (!this.isComplete) return;
    this.#switch(this.#heldBeforeMark ?? 0);
    this.#complete();
  }

  #switch(known: number): void {
    if (this.#phase !== 'under way') return;
    this.#phase = 'switched';
    for (const message of this.#held.slice(known)) this.#deliver(message);
    this.#held.length = 0;
  }
}
