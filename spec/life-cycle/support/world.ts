import { expect } from 'chai';
import type { SinonFakeTimers } from 'sinon';
import { configureForAzure, type ConfiguredRedisOptions } from '../../../lib/index.js';
import type { Variant } from '../../support/ioredis-versions.js';
import type { KnownToken, TinyConnection, TinyRedis, TinyRedisOwner } from '../../support/tiny-redis.js';
import { Caller } from './caller.js';
import { Identity } from './identity.js';
import { ALL_TURNS, LIFETIME, MINUTE, SECOND } from './times.js';

/** If the identity service answers for this long before a token expires, no connection may be lost with the token, in ms. */
const ENOUGH = 20 * SECOND;

/** The clients, the server and the identity service, on a simulated clock. */
export class World implements TinyRedisOwner {
  readonly identity = new Identity((what) => {
    this.violated(what);
  });
  readonly callers: Caller[] = [];
  readonly #clock: SinonFakeTimers;
  readonly #redis: TinyRedis;
  readonly #violations: string[] = [];
  #options: ConfiguredRedisOptions | undefined;
  #named = 0;

  private constructor(clock: SinonFakeTimers, redis: TinyRedis) {
    this.#clock = clock;
    this.#redis = redis;
  }

  static async create(clock: SinonFakeTimers, place: Place): Promise<World> {
    const world = new World(clock, place.redis);
    place.owner = world;
    world.#options = await configureForAzure({
      ...{ host: 'localhost', path: place.path },
      credential: world.identity,
      maxRetriesPerRequest: null,
      // ioredis reads a file for its client info before it is ready, which takes real time.
      disableClientInfo: true,
    });
    return world;
  }

  get options(): ConfiguredRedisOptions {
    if (!this.#options) throw new Error('not configured yet');
    return this.#options;
  }

  get live(): Caller[] {
    return this.callers.filter(({ hasEnded }) => !hasEnded);
  }

  connect(variant: Variant): void {
    this.#named += 1;
    const name = `client-${this.#named}`;
    this.callers.push(
      new Caller(variant, name, this.options, (what) => {
        this.violated(`${name}: ${what}`);
      }),
    );
  }

  connectionOf({ name }: Caller): TinyConnection | undefined {
    return this.#redis.connectionOf(name);
  }

  token(text: string): KnownToken | undefined {
    return this.identity.tokens.get(text);
  }

  violated(what: string): void {
    this.#violations.push(what);
  }

  evicted(connection: TinyConnection): void {
    const { service, wellSince } = this.identity;
    const couldBeRenewed = service !== 'down' && Date.now() - wellSince >= ENOUGH;
    if (couldBeRenewed && !connection.isInTransaction)
      this.violated('a connection outlived its token although a newer one was available');
  }

  /** Lets time pass, with everything that happens in it. */
  async pass(time: number): Promise<void> {
    const end = Date.now() + time;
    // So that there is a timer to advance to.
    setTimeout(() => undefined, time);
    while (Date.now() < end) {
      await this.#clock.nextAsync();
      await this.settle();
    }
  }

  /** Both ends of each connection are in this process: within a few turns everything sent is read and answered. */
  async settle(turns = ALL_TURNS): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  check(): void {
    expect(this.#violations.join('; ')).to.equal('');
    expect(this.options.authenticator.connections).to.have.length(this.live.length);
  }

  /** Once the service is restored, every client is served with the newest token; after all clients have ended, nothing is left. */
  async end(): Promise<void> {
    this.identity.change('well');
    await this.settle();
    for (const caller of this.live) if (caller.isInTransaction) caller.execute();
    await this.pass(MINUTE);
    await this.options.authenticator.refresh();
    // All of them log in again within a quarter of what is left of their tokens.
    await this.pass(LIFETIME / 4 + SECOND);
    this.check();
    for (const caller of this.live) {
      expect(this.connectionOf(caller)?.token).to.equal(this.identity.tokens.size);
      expect(caller.awaitsNothing).to.equal(true);
      caller.end();
    }
    await this.settle();
    this.check();
    expect(this.options.authenticator.connections).to.deep.equal([]);
    expect(this.#clock.countTimers()).to.equal(0);
  }

  /** Ends the clients that a failed run has left. */
  async clear(): Promise<void> {
    for (const { redis } of this.callers) redis.disconnect();
    this.#options?.authenticator.close();
    await this.settle();
    this.#clock.reset();
  }
}

/** The server of all runs, and the current run. */
export interface Place {
  readonly path: string;
  readonly redis: TinyRedis;
  owner: TinyRedisOwner | undefined;
}
