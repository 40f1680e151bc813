import { expect } from 'chai';
import fc from 'fast-check';
import { Handover } from '../../lib/multiplexer/handover.js';

const MARK = 'mark';

/** What the server published: messages, and the mark among them; texts repeat. */
interface Published {
  readonly messages: readonly string[];
  /** How many messages were published before the mark. */
  readonly mark: number;
  /** How many were published before the new connection was subscribed. */
  readonly subscribed: number;
}

const published: fc.Arbitrary<Published> = fc
  .array(fc.constantFrom('a', 'b', 'a', 'c'), { maxLength: 40 })
  .chain((messages) =>
    fc
      .tuple(fc.nat(messages.length), fc.nat(messages.length))
      .map(([one, other]) => ({ messages, subscribed: Math.min(one, other), mark: Math.max(one, other) })),
  );

/** Which connection the next thing comes on. */
const interleaving = fc.infiniteStream(fc.boolean());

/** A hand-over that gets what the server published on both connections, in some interleaving. */
class Trial {
  readonly delivered: string[] = [];
  readonly #handover = new Handover<string>((message) => this.delivered.push(message));
  readonly #old: string[];
  readonly #new: string[];

  constructor({ messages, mark, subscribed }: Published) {
    this.#old = messages.toSpliced(mark, 0, MARK);
    this.#new = this.#old.slice(subscribed);
  }

  get handover(): Handover<string> {
    return this.#handover;
  }

  get oldLeft(): number {
    return this.#old.length;
  }

  get newLeft(): number {
    return this.#new.length;
  }

  oldReceives(): void {
    const message = this.#old.shift();
    if (message === MARK) this.#handover.oldPassedMark();
    else if (message !== undefined) this.#handover.fromOld(message);
  }

  newReceives(): void {
    const message = this.#new.shift();
    if (message === MARK) this.#handover.newPassedMark();
    else if (message !== undefined) this.#handover.fromNew(message);
  }

  /** Lets both connections receive until one of them has this much left. */
  run(turns: Iterator<boolean>, { oldLeft = 0, newLeft = 0 } = {}): void {
    while (this.oldLeft > oldLeft || this.newLeft > newLeft) {
      const isOld = turns.next().value === true;
      if ((isOld && this.oldLeft > oldLeft) || this.newLeft <= newLeft) this.oldReceives();
      else this.newReceives();
    }
  }
}

describe('Handover', () => {
  it('delivers every message exactly once and in order, however the two connections lag behind', () => {
    fc.assert(
      fc.property(published, interleaving, (server, turns) => {
        const trial = new Trial(server);
        trial.run(turns);
        expect(trial.handover.isComplete).to.be.true;
        expect(trial.delivered).to.deep.equal(server.messages);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stays with the old connection without a trace if the new one is lost at any moment', () => {
    fc.assert(
      fc.property(published, interleaving, fc.nat(), fc.nat(), (server, turns, some, others) => {
        const trial = new Trial(server);
        // The new one is lost before it has passed the mark.
        const beforeMark = server.messages.length - server.mark + 1;
        trial.run(turns, {
          oldLeft: some % (trial.oldLeft + 1),
          newLeft: Math.max(beforeMark, others % (trial.newLeft + 1)),
        });
        trial.handover.abandon();
        while (trial.oldLeft > 0) trial.oldReceives();
        expect(trial.delivered).to.deep.equal(server.messages);
      }),
      { numRuns: 1_000 },
    );
  });

  it('loses none without a mark, if the old connection got what came before the new one was subscribed', () => {
    fc.assert(
      fc.property(published, interleaving, fc.nat(), fc.nat(), (server, turns, some, others) => {
        // The mark is published, but nobody sees it.
        const { messages, subscribed } = server;
        const trial = new Trial({ messages, subscribed, mark: messages.length });
        const drained = messages.length - subscribed + 1;
        trial.run(turns, {
          oldLeft: Math.max(1, some % (drained + 1)),
          newLeft: Math.max(1, others % (trial.newLeft + 1)),
        });
        const first = trial.delivered.length;
        trial.handover.takeOver();
        while (trial.newLeft > 0) trial.newReceives();

        expect(first).to.be.at.least(subscribed);
        expect(trial.delivered.slice(0, first)).to.deep.equal(messages.slice(0, first));
        expect(trial.delivered.slice(first)).to.deep.equal(messages.slice(subscribed));
      }),
      { numRuns: 1_000 },
    );
  });

  it('delivers nothing of the old connection after the switch', () => {
    const trial = new Trial({ messages: ['a', 'b'], mark: 1, subscribed: 0 });
    trial.oldReceives();
    trial.handover.takeOver();
    trial.oldReceives();
    trial.oldReceives();
    expect(trial.delivered).to.deep.equal(['a']);
  });

  it('says when it is complete', async () => {
    const trial = new Trial({ messages: [], mark: 0, subscribed: 0 });
    expect(trial.handover.isComplete).to.be.false;
    trial.newReceives();
    expect(trial.handover.isComplete).to.be.false;
    trial.oldReceives();
    expect(trial.handover.isComplete).to.be.true;
    await trial.handover.completed;
  });
});
