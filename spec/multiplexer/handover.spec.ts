import { expect } from 'chai';
import fc from 'fast-check';
import { Handover } from '../../lib/multiplexer/handover.js';

const MARKER = 'marker';

/** What the server published: messages, and the marker among them; texts repeat. */
interface Published {
  readonly messages: readonly string[];
  /** How many messages were published before the marker. */
  readonly marker: number;
  /** How many were published before the next connection was subscribed. */
  readonly subscribed: number;
}

const published: fc.Arbitrary<Published> = fc
  .array(fc.constantFrom('a', 'b', 'a', 'c'), { maxLength: 40 })
  .chain((messages) =>
    fc
      .tuple(fc.nat(messages.length), fc.nat(messages.length))
      .map(([one, other]) => ({ messages, subscribed: Math.min(one, other), marker: Math.max(one, other) })),
  );

/** Which connection the next thing comes on. */
const interleaving = fc.infiniteStream(fc.boolean());

/** A handover that receives what the server published on both connections, in some interleaving. */
class Run {
  readonly delivered: string[] = [];
  readonly #handover = new Handover('old', ({ payload }) => this.delivered.push(payload.toString()));
  readonly #old: string[];
  readonly #next: string[];
  #isAbandoned = false;

  constructor({ messages, marker, subscribed }: Published) {
    this.#old = messages.toSpliced(marker, 0, MARKER);
    this.#next = this.#old.slice(subscribed);
  }

  get handover(): Handover<string> {
    return this.#handover;
  }

  get oldLeft(): number {
    return this.#old.length;
  }

  get nextLeft(): number {
    return this.#next.length;
  }

  oldReceives(): void {
    this.#receive('old', this.#old.shift());
  }

  nextReceives(): void {
    this.#receive('next', this.#next.shift());
  }

  /** The messages of the old connection are then delivered without the handover. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#handover.abandon();
  }

  #receive(connection: 'old' | 'next', text: string | undefined): void {
    if (text === undefined) return;
    if (this.#isAbandoned) {
      if (text !== MARKER) this.delivered.push(text);
      return;
    }
    const name = text === MARKER ? this.#handover.marker : 'news';
    this.#handover.receive(connection, {
      kind: 'subscribe',
      name,
      channel: name,
      payload: Buffer.from(text),
    });
  }

  /** Lets both connections receive until one of them has this much left. */
  run(turns: Iterator<boolean>, { oldLeft = 0, nextLeft = 0 } = {}): void {
    while (this.oldLeft > oldLeft || this.nextLeft > nextLeft) {
      const isOld = turns.next().value === true;
      if ((isOld && this.oldLeft > oldLeft) || this.nextLeft <= nextLeft) this.oldReceives();
      else this.nextReceives();
    }
  }
}

describe('Handover', () => {
  it('delivers every message exactly once and in order, however far either connection lags', () => {
    fc.assert(
      fc.property(published, interleaving, (server, turns) => {
        const run = new Run(server);
        run.run(turns);
        expect(run.handover.isComplete).to.be.true;
        expect(run.delivered).to.deep.equal(server.messages);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stays with the old connection if the next one is lost at any time', () => {
    fc.assert(
      fc.property(published, interleaving, fc.nat(), fc.nat(), (server, turns, some, others) => {
        const run = new Run(server);
        // The next one is lost before it has passed the marker.
        const beforeMarker = server.messages.length - server.marker + 1;
        run.run(turns, {
          oldLeft: some % (run.oldLeft + 1),
          nextLeft: Math.max(beforeMarker, others % (run.nextLeft + 1)),
        });
        run.abandon();
        while (run.oldLeft > 0) run.oldReceives();
        expect(run.delivered).to.deep.equal(server.messages);
      }),
      { numRuns: 1_000 },
    );
  });

  it('loses no message without a marker, if the old connection received those before the subscription of the next one', () => {
    fc.assert(
      fc.property(published, interleaving, fc.nat(), fc.nat(), (server, turns, some, others) => {
        // The marker is published, but nobody sees it.
        const { messages, subscribed } = server;
        const run = new Run({ messages, subscribed, marker: messages.length });
        const drained = messages.length - subscribed + 1;
        run.run(turns, {
          oldLeft: Math.max(1, some % (drained + 1)),
          nextLeft: Math.max(1, others % (run.nextLeft + 1)),
        });
        const first = run.delivered.length;
        run.handover.takeOver();
        while (run.nextLeft > 0) run.nextReceives();

        expect(first).to.be.at.least(subscribed);
        expect(run.delivered.slice(0, first)).to.deep.equal(messages.slice(0, first));
        expect(run.delivered.slice(first)).to.deep.equal(messages.slice(subscribed));
      }),
      { numRuns: 1_000 },
    );
  });

  it('delivers nothing from the old connection after the switch', () => {
    const run = new Run({ messages: ['a', 'b'], marker: 1, subscribed: 0 });
    run.oldReceives();
    run.handover.takeOver();
    run.oldReceives();
    run.oldReceives();
    expect(run.delivered).to.deep.equal(['a']);
  });

  it('resolves `settled` after both markers', async () => {
    const run = new Run({ messages: [], marker: 0, subscribed: 0 });
    expect(run.handover.isComplete).to.be.false;
    run.nextReceives();
    expect(run.handover.isComplete).to.be.false;
    run.oldReceives();
    expect(run.handover.isComplete).to.be.true;
    await run.handover.settled;
  });
});
