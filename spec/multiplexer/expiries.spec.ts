import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Multiplexer, Subscription } from '../../lib/index.js';
import type { AzureRedisEmulator, EmulatorCredential } from '../../emulator/index.js';
import { until } from '../support/waiting.js';
import { Multiplexers, PROTOCOLS, type Recycled } from './support/multiplexers.js';

const EXPIRIES = 20;

/** Messages a second, as far as the machine keeps up; what is late is made up for. */
const RATE = 500;

/** Publishes numbered messages to the channels `load:0` to `load:2`, and others beside them, until it is stopped. */
class Publisher {
  readonly #azure: AzureRedisEmulator;
  readonly #replies: Promise<unknown>[] = [];
  readonly #running: Promise<void>;
  #stopped = false;
  /** How many numbers have been published. */
  count = 0;
  /** How many times the one text has been published that is always the same. */
  repeats = 0;
  readonly binaries: Buffer[] = [];

  constructor(azure: AzureRedisEmulator) {
    this.#azure = azure;
    this.#running = this.#run();
  }

  /** Resolves when the server has got everything. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#replies);
  }

  async #run(): Promise<void> {
    const start = performance.now();
    while (!this.#stopped) {
      const due = ((performance.now() - start) / 1_000) * RATE;
      while (this.count < due) this.#publishNext();
      await sleep(2);
    }
  }

  #publishNext(): void {
    this.#publish(`load:${this.count % 3}`, String(this.count));
    if (this.count % 5 === 0) {
      this.#publish('same', 'again');
      this.repeats += 1;
    }
    if (this.count % 10 === 0) {
      const bytes = Buffer.concat([randomBytes(12), Buffer.from([13, 10, 255, 0])]);
      this.#publish('bytes', bytes);
      this.binaries.push(bytes);
    }
    this.count += 1;
  }

  #publish(channel: string, message: string | Buffer): void {
    this.#replies.push(this.#azure.server.call('PUBLISH', channel, message));
  }
}

/** What the subscriptions of one multiplexer have received. */
interface Received {
  readonly numbers: number[];
  readonly byPattern: number[];
  readonly byNarrowPattern: number[];
  readonly repeats: string[];
  readonly binaries: Buffer[];
}

async function subscribeToAll(multiplexer: Multiplexer<Redis>): Promise<Received> {
  const received: Received = { numbers: [], byPattern: [], byNarrowPattern: [], repeats: [], binaries: [] };
  await multiplexer.subscribe(['load:0', 'load:1', 'load:2'], (text) => received.numbers.push(Number(text)));
  await multiplexer.psubscribe('load:*', (text) => received.byPattern.push(Number(text)));
  await multiplexer.psubscribe('l??d:1', (text) => received.byNarrowPattern.push(Number(text)));
  await multiplexer.subscribe('same', (text) => received.repeats.push(text));
  const binaries = await multiplexer.subscribe('bytes', { buffers: true });
  void collect(binaries, received.binaries);
  return received;
}

async function collect(subscription: Subscription<Buffer>, into: Buffer[]): Promise<void> {
  for await (const { message } of subscription) into.push(message);
}

/** Subscribes and unsubscribes without pause, and checks that each time everything came that was published then. */
async function comeAndGo(
  multiplexer: Multiplexer<Redis>,
  publisher: Publisher,
  isOver: () => boolean,
): Promise<number> {
  let times = 0;
  while (!isOver()) {
    const numbers: number[] = [];
    const subscription = await multiplexer.subscribe(['load:0', `once:${times}`], (text) => {
      numbers.push(Number(text));
    });
    const from = Math.ceil(publisher.count / 3) * 3;
    await until(() => numbers.length >= 5 + (times % 20));
    const to = numbers.at(-1) ?? 0;
    await subscription.unsubscribe();

    const first = numbers[0] ?? Infinity;
    expect(first).to.be.at.most(from);
    const expected = Array.from({ length: (to - first) / 3 + 1 }, (_, index) => first + index * 3);
    expect(numbers.slice(0, expected.length)).to.deep.equal(expected);
    times += 1;
  }
  return times;
}

function expired(azure: AzureRedisEmulator, { oid }: EmulatorCredential): number {
  const { tokensIssued } = azure.statistics;
  return tokensIssued.filter((token) => token.oid === oid && token.expiresOn.getTime() < Date.now()).length;
}

/** A multiplexer under watch. */
interface Trial {
  readonly protocol: 2 | 3;
  readonly multiplexer: Multiplexer<Redis>;
  readonly credential: EmulatorCredential;
  readonly received: Received;
  readonly recycled: Recycled[];
  readonly troubles: unknown[];
}

describe('a multiplexer across token expiries', () => {
  const multiplexers = Multiplexers.forAll({ tokenLifetime: 3_000 });

  async function begin(protocol: 2 | 3): Promise<Trial> {
    const credential = multiplexers.azure.credential();
    const multiplexer = await multiplexers.connect({ protocol, credential });
    const troubles: unknown[] = [];
    const recycled: Recycled[] = [];
    multiplexer.on('error', (event) => troubles.push(event));
    multiplexer.on('connectionLost', (event) => troubles.push(event));
    multiplexer.authenticator.on('reauthenticationFailed', (event) => troubles.push(event));
    multiplexer.authenticator.on('recycled', (event) => recycled.push(event));
    return {
      protocol,
      multiplexer,
      credential,
      recycled,
      troubles,
      received: await subscribeToAll(multiplexer),
    };
  }

  function isOver({ protocol, credential, recycled }: Trial): boolean {
    // With RESP3 there is nothing to hand over.
    const handedOver = protocol === 3 || recycled.length >= EXPIRIES;
    return handedOver && expired(multiplexers.azure, credential) >= EXPIRIES;
  }

  it(`delivers every message exactly once and in order, at ${RATE} a second, across ${EXPIRIES} expiries`, async function () {
    this.timeout(90_000);
    const { azure } = multiplexers;
    // At once, for they take their time.
    const trials = await Promise.all(PROTOCOLS.map(begin));
    const publisher = new Publisher(azure);
    try {
      const visits = await Promise.all(
        trials.map((trial) => comeAndGo(trial.multiplexer, publisher, () => isOver(trial))),
      );
      for (const count of visits) expect(count).to.be.above(EXPIRIES);
    } finally {
      await publisher.stop();
    }

    const { count, repeats, binaries } = publisher;
    const numbers = Array.from({ length: count }, (_, index) => index);
    // First what would be the cause of the rest.
    expect(azure.statistics.evictions).to.deep.equal([]);
    for (const { protocol, received, recycled, troubles } of trials) {
      const handedOver = recycled.map(({ reason, gap, delivery }) => ({ reason, gap, delivery }));
      const exact = { reason: 'subscriber', gap: 0, delivery: 'exactly-once' };
      expect(handedOver).to.deep.equal(handedOver.map(() => exact));
      if (protocol === 2) expect(handedOver.length).to.be.at.least(EXPIRIES);
      else expect(handedOver).to.deep.equal([]);
      expect(troubles).to.deep.equal([]);

      await until(
        () =>
          received.numbers.length >= count &&
          received.byPattern.length >= count &&
          received.repeats.length >= repeats &&
          received.binaries.length >= binaries.length,
      );
      expect(received.numbers).to.deep.equal(numbers);
      expect(received.byPattern).to.deep.equal(numbers);
      expect(received.byNarrowPattern).to.deep.equal(numbers.filter((number) => number % 3 === 1));
      expect(received.repeats).to.deep.equal(Array(repeats).fill('again'));
      expect(received.binaries).to.deep.equal(binaries);
    }
    expect(azure.statistics.refusals).to.deep.equal([]);
  });
});
