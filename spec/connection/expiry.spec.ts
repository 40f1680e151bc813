import { expect } from 'chai';
import { connectionsOf, Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';

/** Three lifetimes of a token, in ms. The soak runs for longer. */
const DURATION = 9_000;
const CALLERS = 32;

/** What a client under full load went through. */
interface Report {
  readonly acknowledged: number;
  readonly counted: number;
  readonly connections: number;
  /** How many commands were acknowledged when the connection was re-authenticated, each time. */
  readonly reauthentications: readonly number[];
  readonly errors: readonly unknown[];
}

describe('a client under full load, through three lifetimes of its tokens', () => {
  const cache = Cache.forAll({ tokenLifetime: 3_000 });
  const reports = new Map<Variant, Report>();

  // All of them at the same time.
  before(async () => {
    await Promise.all(
      VARIANTS.map(async (variant) => {
        reports.set(variant, await load(variant));
      }),
    );
  });

  async function load(variant: Variant): Promise<Report> {
    const credential = cache.azure.credential();
    const options = await cache.configure({ credential });
    const errors: unknown[] = [];
    let acknowledged = 0;
    const reauthentications: number[] = [];
    options.authenticator.on('reauthenticated', () => reauthentications.push(acknowledged));
    options.authenticator.on('reauthenticationFailed', ({ error }) => errors.push(error));
    options.authenticator.on('tokenRefreshFailed', ({ error }) => errors.push(error));
    const client = await cache.connect(variant, options);
    client.on('error', (error) => errors.push(error));
    client.on('close', () => errors.push('closed'));

    const end = Date.now() + DURATION;
    const counter = `counter of ${variant.name}`;
    async function call(): Promise<void> {
      while (Date.now() < end) {
        try {
          await client.incr(counter);
          acknowledged += 1;
        } catch (error) {
          errors.push(error);
        }
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, call));
    return {
      acknowledged,
      counted: Number(await cache.azure.server.call('GET', counter)),
      connections: connectionsOf(cache.azure, credential),
      reauthentications,
      errors,
    };
  }

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      it('gets no error', () => {
        expect(reports.get(variant)?.errors).to.deep.equal([]);
      });

      it('keeps its one connection, which is re-authenticated in place', () => {
        expect(reports.get(variant)?.connections).to.equal(1);
        expect(reports.get(variant)?.reauthentications).to.have.length.of.at.least(3);
      });

      it('runs every command exactly once', () => {
        const report = reports.get(variant);
        expect(report?.counted).to.equal(report?.acknowledged);
      });

      it('gets replies before, between and after re-authentications', () => {
        const { reauthentications = [], acknowledged = 0 } = reports.get(variant) ?? {};
        let previous = 0;
        // The last re-authentication may come after the last command.
        for (const count of [...reauthentications.slice(0, -1), acknowledged]) {
          expect(count).to.be.above(previous);
          previous = count;
        }
      });
    });
  }

  it('is never evicted, and no login is rejected', () => {
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
