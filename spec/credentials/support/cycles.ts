import sinon, { type SinonFakeTimers } from 'sinon';
import type { AzureRedisError } from '../../../lib/errors.js';
import { TokenCycle, type TokenCycleSettings } from '../../../lib/credentials/token-cycle.js';
import { TokenRequestError } from '../../../lib/identities/identity-errors.js';
import { Token } from '../../../lib/credentials/token.js';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;

export const SETTINGS: TokenCycleSettings = {
  expirationRefreshRatio: 0.75,
  acquireTimeout: 10_000,
  retry: { retries: 4, minTimeout: 500, maxTimeout: 60_000, factor: 2, randomize: false },
};

/** An identity service with programmable answers, which records the time and the timeout of each request. */
export class IdentityService {
  lifetime = HOUR;
  failure: AzureRedisError | undefined;
  readonly requests: { at: number; timeout: number }[] = [];
  answer: (() => Token | Promise<Token>) | undefined;

  #requested: (() => void) | undefined;

  /** Resolves with the next request: at start-up p-retry is loaded first, which takes no time of the clock that is stopped. */
  nextRequest(): Promise<void> {
    return new Promise((resolve) => {
      this.#requested = resolve;
    });
  }

  readonly request = async (timeout: number): Promise<Token> => {
    this.requests.push({ at: Date.now(), timeout });
    this.#requested?.();
    if (this.failure) throw this.failure;
    return this.answer ? await this.answer() : this.token();
  };

  token(more: { username?: string; secret?: string; refreshAfter?: number } = {}): Token {
    const { username = 'me', secret = `token ${this.requests.length}`, refreshAfter } = more;
    return new Token(secret, {
      username,
      acquiredOn: Date.now(),
      expiresOn: Date.now() + this.lifetime,
      refreshAfter,
    });
  }
}

/** A failure that may pass. */
export function unavailable(retryAfter = 0): TokenRequestError {
  return new TokenRequestError(
    'No access token',
    { permanent: false, hint: 'wait', retryAfter },
    new Error('down'),
  );
}

/** The token cycle of a spec, its identity service, and the time, which the spec controls. */
export class Cycles {
  #clock: SinonFakeTimers | undefined;
  #service: IdentityService | undefined;
  #cycle: TokenCycle | undefined;

  /** Declares one for every spec of the `describe` that calls this. */
  static forEach(): Cycles {
    const cycles = new Cycles();
    beforeEach(() => {
      cycles.#clock = sinon.useFakeTimers({ now: 1_000_000 });
      sinon.stub(Math, 'random').returns(0);
      cycles.#service = new IdentityService();
    });
    afterEach(() => {
      cycles.#cycle?.stop();
      cycles.#cycle = undefined;
      sinon.restore();
    });
    return cycles;
  }

  get clock(): SinonFakeTimers {
    if (!this.#clock) throw new Error('no spec is running');
    return this.#clock;
  }

  get service(): IdentityService {
    if (!this.#service) throw new Error('no spec is running');
    return this.#service;
  }

  /** Begins to start a cycle, and resolves to it, or to its failure, with its first request. */
  async starting(
    settings: Partial<TokenCycleSettings> = {},
    signal?: AbortSignal,
  ): Promise<{ readonly started: Promise<TokenCycle> }> {
    const first = this.service.nextRequest();
    const started = TokenCycle.start(this.service.request, { ...SETTINGS, ...settings }, signal);
    started.catch(() => undefined);
    await first;
    return { started };
  }

  async start(settings: Partial<TokenCycleSettings> = {}): Promise<TokenCycle> {
    this.#cycle = await TokenCycle.start(this.service.request, { ...SETTINGS, ...settings });
    return this.#cycle;
  }
}
