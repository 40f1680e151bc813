import fc from 'fast-check';
import { VARIANTS } from '../../support/ioredis-versions.js';
import type { Caller } from './caller.js';
import type { Service } from './identity.js';
import { ALL_TURNS, LIFETIME, MINUTE, SECOND } from './times.js';
import type { World } from './world.js';

const MOST_CLIENTS = 5;

/** fast-check's model: the number of clients decides which steps are possible. */
interface Model {
  clients: number;
}

/** An event of a history. */
interface Happening {
  readonly name: string;
  readonly act: (world: World, model: Model) => unknown;
  readonly needsClient?: boolean;
}

/** An event, and the number of turns of the event loop after it. */
class Step implements fc.AsyncCommand<Model, World> {
  readonly #happening: Happening;
  readonly #turns: number;

  constructor(happening: Happening, turns: number) {
    this.#happening = happening;
    this.#turns = turns;
  }

  check({ clients }: Readonly<Model>): boolean {
    return !this.#happening.needsClient || clients > 0;
  }

  async run(model: Model, world: World): Promise<void> {
    await this.#happening.act(world, model);
    await world.settle(this.#turns);
    if (this.#turns === ALL_TURNS) world.check();
  }

  toString(): string {
    return `${this.#happening.name}, ${this.#turns}`;
  }
}

/** An event of one of the live clients. */
function ofClient(
  name: string,
  act: (caller: Caller, world: World, model: Model) => unknown,
): fc.Arbitrary<Happening> {
  return fc.nat({ max: 9 }).map<Happening>((choice) => ({
    name: `${name} of ${choice}`,
    needsClient: true,
    act: (world, model) => {
      const caller = world.live[choice % world.live.length];
      return caller && act(caller, world, model);
    },
  }));
}

const time = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 * SECOND }) },
  { weight: 3, arbitrary: fc.integer({ min: MINUTE, max: 4 * MINUTE }) },
  { weight: 1, arbitrary: fc.integer({ min: LIFETIME, max: 2 * LIFETIME }) },
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: time.map<Happening>((duration) => ({
      name: `pass(${duration})`,
      act: (world) => world.pass(duration),
    })),
  },
  fc.constantFrom<Service>('well', 'well', 'slow', 'down').map<Happening>((service) => ({
    name: service,
    act: (world) => {
      world.identity.change(service);
    },
  })),
  fc.constant<Happening>({
    name: 'refresh',
    // The clients report the outcome.
    act: (world) => void world.options.authenticator.refresh().catch(() => undefined),
  }),
  fc.constantFrom(...VARIANTS).map<Happening>((variant) => ({
    name: `connect ${variant.name}`,
    act: (world, model) => {
      if (model.clients >= MOST_CLIENTS) return;
      model.clients += 1;
      world.connect(variant);
    },
  })),
  ofClient('disconnect', (caller, _, model) => {
    model.clients -= 1;
    caller.end();
  }),
  ofClient('drop', (caller, world) => world.connectionOf(caller)?.drop()),
  ofClient('ECHO', (caller) => {
    caller.echo();
  }),
  ofClient('MULTI', (caller) => {
    // ioredis sends MULTI before its own ready check, whose INFO is queued then.
    if (!caller.isInTransaction && caller.redis.status === 'ready') caller.begin();
  }),
  ofClient('EXEC', (caller) => {
    if (caller.isInTransaction) caller.execute();
  }),
  ofClient('DISCARD', (caller) => {
    if (caller.isInTransaction) caller.discard();
  }),
);

/** A step of a history. */
export const step = fc
  .tuple(happening, fc.oneof(fc.constant(ALL_TURNS), fc.nat({ max: 4 })))
  .map(([what, turns]) => new Step(what, turns));
