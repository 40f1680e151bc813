import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sinon, { type SinonFakeTimers } from 'sinon';
import { TinyRedis } from '../support/tiny-redis.js';
import { step } from './support/steps.js';
import { World, type Place } from './support/world.js';

// Sockets use real events; timers and clocks are simulated.
const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] as const;

/** Numbers from 0 to 1 that follow from the seed, so that a failed run can be repeated. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the life cycle of connections and tokens, in random histories', () => {
  let clock: SinonFakeTimers;
  let folder: string;
  let place: Place;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-'));
    const path = join(folder, 'redis.sock');
    const redis = await TinyRedis.listen(path, {
      token: (text) => place.owner?.token(text),
      violated: (what) => place.owner?.violated(what),
      evicted: (connection) => place.owner?.evicted(connection),
    });
    place = { path, redis, owner: undefined };
    clock = sinon.useFakeTimers({ now: Date.now(), toFake: [...FAKED] });
  });

  after(async () => {
    sinon.restore();
    await place.redis.close();
    await rm(folder, { recursive: true });
  });

  it('loses no reply, repeats no command, and shifts no transaction', async function () {
    this.timeout(120_000);
    // The same histories in each run of CI, different ones elsewhere.
    const seed = Number(process.env['PROPERTY_SEED'] ?? (process.env['CI'] ? 42 : Date.now() % 2 ** 31));
    console.log(`    PROPERTY_SEED=${seed}`);
    await fc.assert(
      fc.asyncProperty(
        fc.commands([step], { maxCommands: 40, size: 'max' }),
        fc.nat(),
        async (commands, randomSeed) => {
          const random = sinon.stub(Math, 'random').callsFake(seededRandom(randomSeed));
          const world = await World.create(clock, place);
          try {
            await fc.asyncModelRun(() => ({ model: { clients: 0 }, real: world }), commands);
            await world.end();
          } finally {
            await world.clear();
            random.restore();
          }
        },
      ),
      { numRuns: 300, seed, includeErrorInReport: true },
    );
  });
});
