import { expect } from 'chai';
import sinon, { type SinonFakeTimers } from 'sinon';
import { AzureRedisError } from '../../lib/errors.js';
import { TokenCycle, type TokenCycleSettings } from '../../lib/credentials/token-cycle.js';
import { TokenRequestError } from '../../lib/credentials/token-request.js';
import { Token } from '../../lib/credentials/token.js';
import { rejection } from '../support/rejection.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const NEVER = new AbortController().signal;

const SETTINGS: TokenCycleSettings = {
  expirationRefreshRatio: 0.75,
  acquireTimeout: 10_000,
  retry: { retries: 4, minTimeout: 500, maxTimeout: 60_000, factor: 2, randomize: false },
};

/** An identity service with programmable answers, which records the time and the timeout of each request. */
class IdentityService {
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

function unavailable(retryAfter = 0): TokenRequestError {
  return new TokenRequestError(
    'No access token',
    { permanent: false, hint: 'wait', retryAfter },
    new Error('down'),
  );
}

describe('the token cycle', () => {
  let clock: SinonFakeTimers;
  let service: IdentityService;
  let cycle: TokenCycle | undefined;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 1_000_000 });
    sinon.stub(Math, 'random').returns(0);
    service = new IdentityService();
    cycle = undefined;
  });

  afterEach(() => {
    cycle?.stop();
    sinon.restore();
  });

  async function start(): Promise<TokenCycle> {
    cycle = await TokenCycle.start(service.request, SETTINGS);
    return cycle;
  }

  describe('at start', () => {
    it('makes five attempts, each with 5 s more than the one before, and rejects with the last error', async () => {
      service.failure = unavailable();
      const failed = rejection(start());
      await clock.tickAsync(20_000);
      expect(await failed).to.equal(service.failure);
      expect(service.requests.map(({ timeout }) => timeout)).to.deep.equal([
        10_000, 15_000, 20_000, 25_000, 30_000,
      ]);
      expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 500, 1_500, 3_500, 7_500]);
    });

    it('fails at once when the identity service refuses for good', async () => {
      service.failure = new TokenRequestError(
        'refused',
        { permanent: true, hint: 'correct it' },
        new Error('no'),
      );
      expect(await rejection(start())).to.include({ code: 'TOKEN_REFUSED', hint: 'correct it' });
      expect(service.requests).to.have.length(1);
    });

    it('waits for the longer of Retry-After and the backoff, not for their sum', async () => {
      service.failure = unavailable(30_000);
      const started = start();
      await clock.tickAsync(29_999);
      service.failure = undefined;
      await clock.tickAsync(1);
      await started;
      expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 30_000]);
    });

    it('waits for the backoff when Retry-After is shorter', async () => {
      service.failure = unavailable(100);
      const started = start();
      await clock.tickAsync(499);
      service.failure = undefined;
      await clock.tickAsync(1);
      await started;
      expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 500]);
    });

    it('waits for a Retry-After that exceeds the longest timer of Node.js', async () => {
      service.failure = unavailable(2 ** 40);
      const started = start();
      await clock.tickAsync(HOUR);
      expect(service.requests).to.have.length(1);
      service.failure = undefined;
      await clock.tickAsync(2 ** 31);
      await started;
    });

    it('leaves no timer behind', async () => {
      await start();
      expect(clock.countTimers()).to.equal(0);
    });
  });

  describe('while it runs', () => {
    it('requests the next token when three quarters of the lifetime are spent', async () => {
      const { current } = await start();
      cycle?.start();
      await clock.tickAsync(45 * MINUTE - 1);
      expect(cycle?.current).to.equal(current);
      await clock.tickAsync(1);
      expect(cycle?.current.password).to.equal('token 2');
      await clock.tickAsync(45 * MINUTE);
      expect(cycle?.current.password).to.equal('token 3');
    });

    it('catches up at once after the process was suspended', async () => {
      await start();
      cycle?.start();
      // The wall clock jumps, but timers do not notice.
      clock.setSystemTime(Date.now() + 5 * HOUR);
      await clock.tickAsync(MINUTE);
      expect(service.requests).to.have.length(2);
    });

    it('refreshes in time after the wall clock was set back', async () => {
      await start();
      cycle?.start();
      clock.setSystemTime(Date.now() - 5 * HOUR);
      await clock.tickAsync(45 * MINUTE);
      expect(service.requests).to.have.length(2);
    });

    it('retries after growing waits of at most a minute, and every second after the expiry', async () => {
      service.lifetime = 10 * HOUR;
      await start();
      cycle?.start();
      service.failure = unavailable();
      await clock.tickAsync(9 * HOUR);
      const waits = service.requests.slice(1).map(({ at }, index, all) => at - (all[index - 1]?.at ?? at));
      expect(waits.slice(1, 9)).to.deep.equal([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
      expect(Math.max(...waits)).to.equal(MINUTE);
      expect(service.requests.length).to.be.above(60);
      await clock.tickAsync(2 * HOUR);
      expect(cycle?.current.remaining).to.be.below(0);
      service.failure = undefined;
      await clock.tickAsync(1_000);
      expect(cycle?.current.remaining).to.be.above(0);
    });

    it('refreshes a token that the server refused, unless it is fresh', async () => {
      await start();
      cycle?.reportRejected();
      expect(service.requests).to.have.length(1);
      await clock.tickAsync(4 * MINUTE);
      cycle?.reportRejected();
      cycle?.reportRejected();
      expect(service.requests).to.have.length(2);
      await clock.tickAsync(0);
      cycle?.reportRejected();
      expect(service.requests).to.have.length(2);
    });

    it('honours Retry-After, even while connections wait for a token', async () => {
      await start();
      cycle?.start();
      service.failure = unavailable(5 * MINUTE);
      await clock.tickAsync(HOUR);
      const askedAt = service.requests.map(({ at }) => at);
      const aborter = new AbortController();
      const waiting = rejection(cycle?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      await clock.tickAsync(20 * MINUTE);
      aborter.abort();
      expect(await waiting).to.equal(service.failure);
      const waits = [...askedAt.slice(1), ...service.requests.slice(askedAt.length).map(({ at }) => at)];
      for (let index = 1; index < waits.length; index += 1) {
        expect((waits[index] ?? 0) - (waits[index - 1] ?? 0)).to.be.at.least(5 * MINUTE);
      }
    });

    it('keeps a cached token without an error, and requests again when a newer one can exist', async () => {
      await start();
      const failures: unknown[] = [];
      cycle?.on('refreshFailed', (error) => failures.push(error));
      cycle?.start();
      const cached = cycle?.current;
      service.answer = () => cached ?? service.token();
      await clock.tickAsync(55 * MINUTE - 1);
      expect(cycle?.current).to.equal(cached);
      expect(service.requests.length).to.be.below(10);
      service.answer = undefined;
      await clock.tickAsync(1);
      expect(cycle?.current).not.to.equal(cached);
      expect(failures).to.deep.equal([]);
    });

    it('rejects the token of another identity and keeps the current one', async () => {
      await start();
      cycle?.start();
      const mine = cycle?.current;
      const failures: AzureRedisError[] = [];
      cycle?.on('refreshFailed', (error) => failures.push(error));
      service.answer = () => service.token({ username: 'somebody else' });
      await clock.tickAsync(45 * MINUTE);
      expect(failures.map(({ code }) => code)).to.deep.equal(['TOKEN_INVALID']);
      expect(cycle?.current).to.equal(mine);
    });

    for (const advice of [1, 10, 999]) {
      it(`requests at most once a second when tokens advise a refresh after ${advice} ms`, async () => {
        service.answer = () => service.token({ refreshAfter: Date.now() + advice });
        await start();
        cycle?.start();
        await clock.tickAsync(5_000);
        expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([
          0, 1_000, 2_000, 3_000, 4_000, 5_000,
        ]);
      });
    }

    it('keeps a token of one second refreshed before its expiry', async () => {
      service.lifetime = 1_000;
      await start();
      cycle?.start();
      for (let step = 0; step < 100; step += 1) {
        await clock.tickAsync(50);
        expect(cycle?.current.remaining).to.be.above(0);
      }
      expect(service.requests.length).to.be.within(6, 8);
    });

    it('requests a token of a few milliseconds at most ten times a second', async () => {
      service.lifetime = 2;
      await start();
      cycle?.start();
      await clock.tickAsync(3_000);
      expect(service.requests.length).to.be.at.most(31);
    });

    it('keeps its pace in a long outage with `retry.minTimeout: 0`', async () => {
      cycle = await TokenCycle.start(service.request, {
        ...SETTINGS,
        retry: { ...SETTINGS.retry, minTimeout: 0 },
      });
      cycle.start();
      service.failure = unavailable();
      await clock.tickAsync(2 * HOUR);
      const [before = 0, last = 0] = service.requests.slice(-2).map(({ at }) => at);
      expect(service.requests.length).to.be.above(1_100);
      expect(last - before).to.equal(1_000);
    });

    it('has no timers after stop(), and catches up after start()', async () => {
      await start();
      cycle?.start();
      cycle?.stop();
      expect(clock.countTimers()).to.equal(0);
      await clock.tickAsync(10 * HOUR);
      expect(service.requests).to.have.length(1);
      cycle?.start();
      await clock.tickAsync(0);
      expect(service.requests).to.have.length(2);
    });
  });

  describe('for a connection that logs in', () => {
    it('is ready at once while the token is usable', async () => {
      await start();
      await cycle?.waitUntilUsable(NEVER);
      expect(service.requests).to.have.length(1);
    });

    it('makes one request for all connections that wait when the token is about to expire', async () => {
      await start();
      await clock.tickAsync(HOUR - 2_000);
      await Promise.all(Array.from({ length: 1000 }, async () => cycle?.waitUntilUsable(NEVER)));
      expect(service.requests).to.have.length(2);
      expect(cycle?.current.isUsable()).to.equal(true);
    });

    it('has a token within a second of the end of an outage of the identity service', async () => {
      await start();
      cycle?.start();
      service.failure = unavailable();
      await clock.tickAsync(3 * HOUR);
      const ready = cycle?.waitUntilUsable(NEVER);
      await clock.tickAsync(5_300);
      service.failure = undefined;
      await clock.tickAsync(1_000);
      await ready;
    });

    it('requests once a second while the identity library returns a token that is about to expire', async () => {
      await start();
      const cached = cycle?.current;
      await clock.tickAsync(HOUR - 4_500);
      service.answer = () => cached ?? service.token();
      const ready = cycle?.waitUntilUsable(NEVER);
      await clock.tickAsync(3_500);
      expect(service.requests.length - 1).to.equal(4);
      service.answer = undefined;
      await clock.tickAsync(1_000);
      await ready;
    });

    it('accepts a new token after the clock was set back, although it seems to expire earlier', async () => {
      await start();
      clock.setSystemTime(Date.now() - 5 * HOUR);
      await clock.tickAsync(HOUR);
      await cycle?.waitUntilUsable(NEVER);
      expect(cycle?.current.password).to.equal('token 2');
      expect(service.requests).to.have.length(2);
    });

    it('rejects with the last error when the signal aborts', async () => {
      await start();
      await clock.tickAsync(HOUR);
      service.failure = unavailable();
      const aborter = new AbortController();
      const waiting = rejection(cycle?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      await clock.tickAsync(10_000);
      aborter.abort();
      expect(await waiting).to.equal(service.failure);
    });

    it('stops waiting for an identity service that does not answer when the signal aborts', async () => {
      await start();
      await clock.tickAsync(HOUR);
      service.answer = () => new Promise(() => undefined);
      const aborter = new AbortController();
      const waiting = rejection(cycle?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      aborter.abort();
      expect(await waiting).to.include({ code: 'TOKEN_UNAVAILABLE' });
    });

    it('rejects after close()', async () => {
      await start();
      const reason = new AzureRedisError('CLOSED', 'closed', 'open');
      cycle?.close(reason);
      expect(await rejection(cycle?.waitUntilUsable(NEVER) ?? Promise.resolve())).to.equal(reason);
    });
  });

  describe('refresh()', () => {
    it('requests at once, and joins a request in progress', async () => {
      await start();
      await Promise.all([cycle?.refresh(), cycle?.refresh(), cycle?.refresh()]);
      expect(service.requests).to.have.length(2);
      expect(cycle?.current.password).to.equal('token 2');
    });

    it('rejects with the reason, and keeps the current token', async () => {
      await start();
      service.failure = unavailable();
      expect(await rejection(cycle?.refresh() ?? Promise.resolve())).to.equal(service.failure);
      expect(cycle?.current.password).to.equal('token 1');
    });
  });
});
