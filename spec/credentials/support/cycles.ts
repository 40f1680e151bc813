import sinon, { type SinonFakeTimers } from 'sinon';
import type { AzureRedisError } from '../../../lib/errors.js';
import { TokenCycle, type TokenCycleSettings } from '../../../lib/credentials/token-cycle.js';
import { TokenRequestError } from '../../../lib/credentials/token-request.js';
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

  readonly request = async (timeout: number): Promise<Token> => {
    this.requests.push({ at: Date.now(), timeout });
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

  async start(settings: Partial<TokenCycleSettings> = {}): Promise<TokenCycle> {
    this.#cycle = await TokenCycle.start(this.service.request, { ...SETTINGS, ...settings });
    return this.#cycle;
  }
}
