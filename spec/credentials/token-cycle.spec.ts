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

/** An identity service whose answers a spec decides, and which notes when it was asked and with what time limit. */
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

  token(more: { username?: string; secret?: string } = {}): Token {
    const { username = 'me', secret = `token ${this.requests.length}` } = more;
    return new Token(secret, {
      username,
      acquiredOn: Date.now(),
      expiresOn: Date.now() + this.lifetime,
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

describe('TokenCycler', () => {
  let clock: SinonFakeTimers;
  let service: IdentityService;
  let cycler: TokenCycle | undefined;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 1_000_000 });
    sinon.stub(Math, 'random').returns(0);
    service = new IdentityService();
    cycler = undefined;
  });

  afterEach(() => {
    cycler?.stop();
    sinon.restore();
  });

  async function start(): Promise<TokenCycle> {
    cycler = await TokenCycle.start(service.request, SETTINGS);
    return cycler;
  }

  describe('at start', () => {
    it('tries five times, each a little longer than the one before, and then gives the last reason', async () => {
      service.failure = unavailable();
      const failed = rejection(start());
      await clock.tickAsync(20_000);
      expect(await failed).to.equal(service.failure);
      expect(service.requests.map(({ timeout }) => timeout)).to.deep.equal([
        10_000, 15_000, 20_000, 25_000, 30_000,
      ]);
      expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 500, 1_500, 3_500, 7_500]);
    });

    it('fails at once when the identity service definitely refuses', async () => {
      service.failure = new TokenRequestError(
        'refused',
        { permanent: true, hint: 'mend it' },
        new Error('no'),
      );
      expect(await rejection(start())).to.include({ code: 'TOKEN_REFUSED', hint: 'mend it' });
      expect(service.requests).to.have.length(1);
    });

    it('waits as long as the identity service asks for', async () => {
      service.failure = unavailable(30_000);
      const started = start();
      await clock.tickAsync(30_000);
      service.failure = undefined;
      await clock.tickAsync(1_000);
      await started;
      expect(service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 30_500]);
    });

    it('leaves no timer behind', async () => {
      await start();
      expect(clock.countTimers()).to.equal(0);
    });
  });

  describe('while it runs', () => {
    it('has the next token when three quarters of the life of the current one are spent', async () => {
      const { current } = await start();
      cycler?.start();
      await clock.tickAsync(45 * MINUTE - 1);
      expect(cycler?.current).to.equal(current);
      await clock.tickAsync(1);
      expect(cycler?.current.password).to.equal('token 2');
      await clock.tickAsync(45 * MINUTE);
      expect(cycler?.current.password).to.equal('token 3');
    });

    it('catches up at once after the process was suspended', async () => {
      await start();
      cycler?.start();
      // The wall clock jumps; timers know nothing of it.
      clock.setSystemTime(Date.now() + 5 * HOUR);
      await clock.tickAsync(MINUTE);
      expect(service.requests).to.have.length(2);
    });

    it('asks in time though the wall clock was set back', async () => {
      await start();
      cycler?.start();
      clock.setSystemTime(Date.now() - 5 * HOUR);
      await clock.tickAsync(45 * MINUTE);
      expect(service.requests).to.have.length(2);
    });

    it('tries again with growing waits of at most a minute, and every second once the token is dead', async () => {
      service.lifetime = 10 * HOUR;
      await start();
      cycler?.start();
      service.failure = unavailable();
      await clock.tickAsync(9 * HOUR);
      const waits = service.requests.slice(1).map(({ at }, index, all) => at - (all[index - 1]?.at ?? at));
      expect(waits.slice(1, 9)).to.deep.equal([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
      expect(Math.max(...waits)).to.equal(MINUTE);
      expect(service.requests.length).to.be.above(60);
      await clock.tickAsync(2 * HOUR);
      expect(cycler?.current.remaining).to.be.below(0);
      service.failure = undefined;
      await clock.tickAsync(1_000);
      expect(cycler?.current.remaining).to.be.above(0);
    });

    it('asks for a new token when the server refused the one that seemed good, unless it is quite new', async () => {
      await start();
      cycler?.reportRejected();
      expect(service.requests).to.have.length(1);
      await clock.tickAsync(4 * MINUTE);
      cycler?.reportRejected();
      cycler?.reportRejected();
      expect(service.requests).to.have.length(2);
      await clock.tickAsync(0);
      cycler?.reportRejected();
      expect(service.requests).to.have.length(2);
    });

    it('honours Retry-After, whoever waits for a token', async () => {
      await start();
      cycler?.start();
      service.failure = unavailable(5 * MINUTE);
      await clock.tickAsync(HOUR);
      const askedAt = service.requests.map(({ at }) => at);
      const aborter = new AbortController();
      const waiting = rejection(cycler?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      await clock.tickAsync(20 * MINUTE);
      aborter.abort();
      expect(await waiting).to.equal(service.failure);
      const waits = [...askedAt.slice(1), ...service.requests.slice(askedAt.length).map(({ at }) => at)];
      for (let index = 1; index < waits.length; index += 1) {
        expect((waits[index] ?? 0) - (waits[index - 1] ?? 0)).to.be.at.least(5 * MINUTE);
      }
    });

    it('takes a token that is no newer for no failure, and asks again when a newer one can exist', async () => {
      await start();
      const failures: unknown[] = [];
      cycler?.on('refreshFailed', (error) => failures.push(error));
      cycler?.start();
      const cached = cycler?.current;
      service.answer = () => cached ?? service.token();
      await clock.tickAsync(55 * MINUTE - 1);
      expect(cycler?.current).to.equal(cached);
      expect(service.requests.length).to.be.below(10);
      service.answer = undefined;
      await clock.tickAsync(1);
      expect(cycler?.current).not.to.equal(cached);
      expect(failures).to.deep.equal([]);
    });

    it('refuses the token of another identity and keeps the one it has', async () => {
      await start();
      cycler?.start();
      const mine = cycler?.current;
      const failures: AzureRedisError[] = [];
      cycler?.on('refreshFailed', (error) => failures.push(error));
      service.answer = () => service.token({ username: 'somebody else' });
      await clock.tickAsync(45 * MINUTE);
      expect(failures.map(({ code }) => code)).to.deep.equal(['TOKEN_INVALID']);
      expect(cycler?.current).to.equal(mine);
    });

    it('has no timer left once it rests, and goes on when it runs again', async () => {
      await start();
      cycler?.start();
      cycler?.stop();
      expect(clock.countTimers()).to.equal(0);
      await clock.tickAsync(10 * HOUR);
      expect(service.requests).to.have.length(1);
      cycler?.start();
      await clock.tickAsync(0);
      expect(service.requests).to.have.length(2);
    });
  });

  describe('a connection that wants to log in', () => {
    it('need not wait while the token has life left', async () => {
      await start();
      await cycler?.waitUntilUsable(NEVER);
      expect(service.requests).to.have.length(1);
    });

    it('waits for a new token when the current one is about to die, and all wait for the same', async () => {
      await start();
      await clock.tickAsync(HOUR - 2_000);
      await Promise.all(Array.from({ length: 1000 }, async () => cycler?.waitUntilUsable(NEVER)));
      expect(service.requests).to.have.length(2);
      expect(cycler?.current.isUsable()).to.equal(true);
    });

    it('gets one within a second of the return of the identity service', async () => {
      await start();
      cycler?.start();
      service.failure = unavailable();
      await clock.tickAsync(3 * HOUR);
      const ready = cycler?.waitUntilUsable(NEVER);
      await clock.tickAsync(5_300);
      service.failure = undefined;
      await clock.tickAsync(1_000);
      await ready;
    });

    it('asks once a second while the identity library keeps giving a token that is about to die', async () => {
      await start();
      const cached = cycler?.current;
      await clock.tickAsync(HOUR - 4_500);
      service.answer = () => cached ?? service.token();
      const ready = cycler?.waitUntilUsable(NEVER);
      await clock.tickAsync(3_500);
      expect(service.requests.length - 1).to.equal(4);
      service.answer = undefined;
      await clock.tickAsync(1_000);
      await ready;
    });

    it('gets a new token although the clock was set back, so that the new one seems to end before the old', async () => {
      await start();
      clock.setSystemTime(Date.now() - 5 * HOUR);
      await clock.tickAsync(HOUR);
      await cycler?.waitUntilUsable(NEVER);
      expect(cycler?.current.password).to.equal('token 2');
      expect(service.requests).to.have.length(2);
    });

    it('is told the reason when it gives up', async () => {
      await start();
      await clock.tickAsync(HOUR);
      service.failure = unavailable();
      const aborter = new AbortController();
      const waiting = rejection(cycler?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      await clock.tickAsync(10_000);
      aborter.abort();
      expect(await waiting).to.equal(service.failure);
    });

    it('gives up on an identity service that does not answer', async () => {
      await start();
      await clock.tickAsync(HOUR);
      service.answer = () => new Promise(() => undefined);
      const aborter = new AbortController();
      const waiting = rejection(cycler?.waitUntilUsable(aborter.signal) ?? Promise.resolve());
      aborter.abort();
      expect(await waiting).to.include({ code: 'TOKEN_UNAVAILABLE' });
    });

    it('is refused once it is closed', async () => {
      await start();
      const reason = new AzureRedisError('CLOSED', 'closed', 'open');
      cycler?.close(reason);
      expect(await rejection(cycler?.waitUntilUsable(NEVER) ?? Promise.resolve())).to.equal(reason);
    });
  });

  describe('refresh()', () => {
    it('asks at once, and whoever asks meanwhile gets the same answer', async () => {
      await start();
      await Promise.all([cycler?.refresh(), cycler?.refresh(), cycler?.refresh()]);
      expect(service.requests).to.have.length(2);
      expect(cycler?.current.password).to.equal('token 2');
    });

    it('rejects with the reason, and what is there stays', async () => {
      await start();
      service.failure = unavailable();
      expect(await rejection(cycler?.refresh() ?? Promise.resolve())).to.equal(service.failure);
      expect(cycler?.current.password).to.equal('token 1');
    });
  });
});
