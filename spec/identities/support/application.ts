import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import {
  type ConfiguredRedisOptions,
  configureForAzure,
  type ConfigureForAzureOptions,
} from '../../../lib/index.js';
import { VARIANTS } from '../../support/ioredis-versions.js';
import { type IdentityDescription, identityOptions } from './identity-options.js';

/** Where a cache is. */
export interface CacheAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly ca: string };
}

/** An application, told in a way that can be sent to another process. */
export interface ApplicationDescription {
  readonly name: string;
  readonly identity: IdentityDescription;
  /** The caches that it uses; those after the first share the authenticator of the first. */
  readonly caches: readonly CacheAddress[];
}

/** What happened to an application. */
export interface ApplicationReport {
  /** When each of its tokens ended, as its identity library announced it: ms since 1970. */
  readonly expiries: readonly number[];
  /** Commands that were answered as expected. */
  readonly answered: number;
  /** Whatever went wrong: commands, connections, logins, requests for tokens. */
  readonly failures: readonly string[];
}

/** How often each connection is used, in ms. */
const PACE = 500;

/** Uses its caches all the time, over a connection for every ioredis and protocol, and notes what goes wrong. */
export class Application {
  readonly #clients: Redis[] = [];
  readonly #work: Promise<void>[] = [];
  readonly #expiries: number[] = [];
  readonly #failures: string[] = [];
  #answered = 0;
  #isFinishing = false;

  private constructor({ name }: ApplicationDescription, options: readonly ConfiguredRedisOptions[]) {
    const [first] = options;
    const authenticator = first?.authenticator;
    authenticator?.on('tokenRefreshed', ({ expiresOn }) => this.#expiries.push(expiresOn.getTime()));
    authenticator?.on('tokenRefreshFailed', ({ error }) => this.#failures.push(error.message));
    authenticator?.on('reauthenticationFailed', ({ error }) => this.#failures.push(error.message));
    for (const [index, optionsOfCache] of options.entries()) {
      for (const { Redis, protocol, name: variant } of VARIANTS) {
        const client = new Redis({ ...optionsOfCache, protocol });
        this.#clients.push(client);
        this.#work.push(this.#count(client, `${name}, ${variant}, cache ${index}`));
      }
    }
  }

  /** Configures, logs in, and begins to work. */
  static async start(description: ApplicationDescription): Promise<Application> {
    const [cache, ...others] = description.caches;
    if (!cache) throw new Error('There is no cache.');
    const identity = await identityOptions(description.identity);
    const given = { ...cache, ...identity, expirationRefreshRatio: 0.5 } as ConfigureForAzureOptions;
    const first = await configureForAzure(given);
    const { authenticator } = first;
    const sharing = await Promise.all(others.map((other) => configureForAzure({ ...other, authenticator })));
    return new Application(description, [first, ...sharing]);
  }

  async finish(): Promise<ApplicationReport> {
    this.#isFinishing = true;
    await Promise.all(this.#work);
    for (const client of this.#clients) {
      await client
        .quit()
        .catch((error: unknown) => this.#failures.push(`${client.status}: ${String(error)}`));
    }
    return { expiries: this.#expiries, answered: this.#answered, failures: this.#failures };
  }

  /** Counts in a key of its own: a number that is left out, or that comes twice, is a failure. */
  async #count(client: Redis, key: string): Promise<void> {
    for (const event of ['error', 'close']) {
      client.on(event, (error: unknown) => {
        if (!this.#isFinishing) this.#failures.push(`${key}: ${event} ${String(error)}`);
      });
    }
    for (let expected = 1; !this.#isFinishing; expected++) {
      const answer = await client.incr(key).catch(String);
      if (answer === expected) this.#answered += 1;
      else this.#failures.push(`${key}: ${answer} instead of ${expected}`);
      await sleep(PACE);
    }
  }
}
