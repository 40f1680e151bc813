import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { ConfiguredRedisOptions, Multiplexer } from '../lib/index.js';
import type { AzureRedisEmulator } from '../emulator/index.js';
import type { Variant } from '../spec/support/ioredis-versions.js';
import type { Ledger } from './ledger.js';
import { becomes, Loop } from './loop.js';
import type { Random } from './random.js';

/** A part of the population, which works in windows. */
export interface Workload {
  start(): void;
  /** Resolves when all pending work is done and checked. */
  pause(): Promise<void>;
  /** Resolves when it is served. */
  served(): Promise<unknown>;
}

/** The dependencies of a workload. */
export interface Surroundings {
  readonly azure: AzureRedisEmulator;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** Resolves when a PING is answered. Those behind a login that was sent before the end of a fault may be rejected with it. */
async function answers(client: Redis): Promise<void> {
  const isAnswered = (): Promise<boolean> =>
    client.ping().then(
      () => true,
      () => false,
    );
  while (!(await isAnswered())) await sleep(20);
}

/** The time within which messages sent before a pause arrive, in ms. */
const DELIVERY = 3_000;

/** Increments counters, and compares the acknowledged commands with the counters. */
export class Counting implements Workload {
  readonly #client: Redis;
  readonly #name: string;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  #window = 0;
  #acknowledged = 0;

  constructor(client: Redis, name: string, around: Surroundings) {
    this.#client = client;
    this.#name = name;
    this.#around = around;
    this.#loops = [0, 1, 2].map(() => new Loop(() => this.#count()));
  }

  get #key(): string {
    return `counter of ${this.#name}, ${this.#window}`;
  }

  start(): void {
    this.#window += 1;
    this.#acknowledged = 0;
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
    const { azure, ledger } = this.#around;
    const counted = Number(await azure.server.call('GET', this.#key));
    if (!ledger.mayBreak && counted !== this.#acknowledged)
      ledger.violate(`${this.#key}: ${counted} counted, ${this.#acknowledged} acknowledged`);
  }

  served(): Promise<void> {
    return answers(this.#client);
  }

  async #count(): Promise<void> {
    const { ledger, random } = this.#around;
    try {
      await this.#client.incr(this.#key);
      this.#acknowledged += 1;
      ledger.count('commands');
    } catch (error) {
      ledger.failed('INCR', error);
    }
    await sleep(random.between(0, 4));
  }
}

/** Runs transactions of both kinds, and checks that every result belongs to its transaction. */
export class Transactions implements Workload {
  readonly #pipelined: Redis;
  readonly #open: Redis;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  #number = 0;

  constructor(pipelined: Redis, open: Redis, around: Surroundings) {
    this.#pipelined = pipelined;
    this.#open = open;
    this.#around = around;
    this.#loops = [new Loop(() => this.#runPipelined()), new Loop(() => this.#runOpen())];
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
  }

  served(): Promise<void> {
    return answers(this.#pipelined);
  }

  async #runPipelined(): Promise<void> {
    const { ledger, random } = this.#around;
    const value = this.#next();
    try {
      const results = await this.#pipelined.multi().echo(value).ping(value).exec();
      this.#check(results, [
        [null, value],
        [null, value],
      ]);
    } catch (error) {
      ledger.failed('a pipelined transaction', error);
    }
    await sleep(random.between(0, 10));
  }

  async #runOpen(): Promise<void> {
    const { ledger, random } = this.#around;
    const value = this.#next();
    try {
      await this.#open.multi({ pipeline: false });
      await this.#open.echo(value);
      await sleep(random.between(0, 300));
      await this.#open.echo(value);
      this.#check(await this.#open.call('EXEC'), [value, value]);
    } catch (error) {
      ledger.failed('an open transaction', error);
      // Its connection may be open, and so the transaction.
      await this.#open.call('DISCARD').catch(() => undefined);
    }
    await sleep(random.between(0, 100));
  }

  #next(): string {
    this.#number += 1;
    return `value ${this.#number}`;
  }

  #check(results: unknown, expected: unknown): void {
    const { ledger } = this.#around;
    const [found, wanted] = [JSON.stringify(results), JSON.stringify(expected)];
    if (found === wanted) ledger.count('transactions');
    else ledger.violate(`a transaction answered ${found} in place of ${wanted}`);
  }
}

/** Who receives messages, and whether every single one must arrive while no connection breaks. */
export interface Receiver {
  readonly name: string;
  readonly isExact: boolean;
  readonly client: Redis | Multiplexer;
  readonly received: number[];
}

/** Publishes numbers, and checks that they arrive in order, and all of them where that is promised. */
export class Messages implements Workload {
  static readonly CHANNEL = 'news';
  readonly #receivers: readonly Receiver[];
  readonly #around: Surroundings;
  readonly #publisher: Loop;
  #published = 0;
  #first = 1;

  constructor(receivers: readonly Receiver[], around: Surroundings) {
    this.#receivers = receivers;
    this.#around = around;
    this.#publisher = new Loop(async () => {
      this.#published += 1;
      await around.azure.server.call('PUBLISH', Messages.CHANNEL, this.#published);
      await sleep(20);
    });
  }

  start(): void {
    for (const { received } of this.#receivers) received.length = 0;
    this.#first = this.#published + 1;
    this.#publisher.start();
  }

  async pause(): Promise<void> {
    await this.#publisher.pause();
    if (!this.#around.ledger.mayBreak) await Promise.all(this.#receivers.map((each) => this.#check(each)));
  }

  async served(): Promise<void> {
    await Promise.all(this.#receivers.map(({ client }) => becomes(() => client.status === 'ready', 60_000)));
  }

  async #check({ name, isExact, received }: Receiver): Promise<void> {
    const { ledger } = this.#around;
    const count = this.#published + 1 - this.#first;
    if (isExact) {
      await becomes(() => received.length >= count, DELIVERY);
      if (received.length !== count)
        ledger.violate(`${name} received ${received.length} messages of ${count}`);
    }
    if (received.some((number, index) => index > 0 && number <= (received[index - 1] ?? 0)))
      ledger.violate(`${name} received messages out of order`);
    ledger.count('messages', received.length);
  }
}

/** Pops what is pushed, in commands that block. */
export class Popping implements Workload {
  readonly #client: Redis;
  readonly #queue: string;
  readonly #around: Surroundings;
  readonly #pusher: Loop;
  readonly #popper: Loop;
  #pushed = 0;
  #popped: number[] = [];

  constructor(client: Redis, name: string, around: Surroundings) {
    this.#client = client;
    this.#queue = `queue of ${name}`;
    this.#around = around;
    this.#pusher = new Loop(async () => {
      this.#pushed += 1;
      await around.azure.server.call('LPUSH', this.#queue, this.#pushed);
      await sleep(around.random.between(10, 300));
    });
    this.#popper = new Loop(() => this.#pop());
  }

  start(): void {
    this.#pusher.start();
    this.#popper.start();
  }

  async pause(): Promise<void> {
    const { azure, ledger } = this.#around;
    await this.#pusher.pause();
    if (!ledger.mayBreak) {
      await becomes(() => this.#popped.length >= this.#pushed, DELIVERY);
      if (this.#popped.length !== this.#pushed || this.#popped.some((number, index) => number !== index + 1))
        ledger.violate(`${this.#queue}: ${this.#popped.length} popped of ${this.#pushed}`);
    }
    await this.#popper.pause();
    await azure.server.call('DEL', this.#queue);
    this.#pushed = 0;
    this.#popped = [];
  }

  served(): Promise<void> {
    return answers(this.#client);
  }

  async #pop(): Promise<void> {
    const { ledger } = this.#around;
    try {
      const popped = await this.#client.brpop(this.#queue, 0.2);
      if (!popped) return;
      this.#popped.push(Number(popped[1]));
      ledger.count('blocking commands');
    } catch (error) {
      ledger.failed('BRPOP', error);
      await sleep(50);
    }
  }
}

/** Clients that come and go, at any moment. */
export class ComingAndGoing implements Workload {
  readonly #variants: readonly [Variant, ...Variant[]];
  readonly #options: ConfiguredRedisOptions;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  readonly #gone: WeakRef<object>[] = [];

  constructor(
    variants: readonly [Variant, ...Variant[]],
    options: ConfiguredRedisOptions,
    around: Surroundings,
  ) {
    this.#variants = variants;
    this.#options = options;
    this.#around = around;
    this.#loops = [0, 1].map(() => new Loop(() => this.#comeAndGo()));
  }

  /** How many that have gone are still held in memory. */
  get held(): number {
    return this.#gone.filter((reference) => reference.deref() !== undefined).length;
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
  }

  served(): Promise<void> {
    return Promise.resolve();
  }

  async #comeAndGo(): Promise<void> {
    const { ledger, random } = this.#around;
    const { Redis, protocol } = random.of(this.#variants);
    const client = new Redis({ ...this.#options, protocol });
    client.on('error', () => undefined);
    this.#gone.push(new WeakRef(client));
    ledger.count('clients that came and went');
    if (random.fraction() < 0.5) {
      const answered = client.ping().catch((error: unknown) => {
        ledger.failed('PING', error);
      });
      await Promise.race([answered, sleep(DELIVERY)]);
    } else {
      await sleep(random.between(0, 30));
    }
    client.disconnect();
    await sleep(random.between(0, 100));
  }
}
