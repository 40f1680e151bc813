import { expect } from 'chai';
import type { Token } from '../../lib/credentials/token.js';
import { AzureRedisError } from '../../lib/errors.js';
import { CloseSignal } from '../../lib/timing/close-signal.js';
import { rejection } from '../support/rejection.js';
import { Cycles, HOUR, MINUTE, SETTINGS, unavailable } from './support/cycles.js';

describe('TokenCycle, while it runs', () => {
  const cycles = Cycles.forEach();

  it('requests the next token when three quarters of the lifetime are spent', async () => {
    const cycle = await cycles.start();
    const { current } = cycle;
    cycle.start();
    await cycles.clock.tickAsync(45 * MINUTE - 1);
    expect(cycle.current).to.equal(current);
    await cycles.clock.tickAsync(1);
    expect(cycle.current.password).to.equal('token 2');
    await cycles.clock.tickAsync(45 * MINUTE);
    expect(cycle.current.password).to.equal('token 3');
  });

  it('catches up at once after the process was suspended', async () => {
    const cycle = await cycles.start();
    cycle.start();
    // The wall clock jumps, but timers do not notice.
    cycles.clock.setSystemTime(Date.now() + 5 * HOUR);
    await cycles.clock.tickAsync(MINUTE);
    expect(cycles.service.requests).to.have.length(2);
  });

  it('refreshes in time after the wall clock was set back', async () => {
    const cycle = await cycles.start();
    cycle.start();
    cycles.clock.setSystemTime(Date.now() - 5 * HOUR);
    await cycles.clock.tickAsync(45 * MINUTE);
    expect(cycles.service.requests).to.have.length(2);
  });

  it('requests a cached token again before its expiry after the wall clock was set back', async () => {
    const cycle = await cycles.start();
    cycle.start();
    const first = cycle.current;
    cycles.clock.setSystemTime(Date.now() - 5 * HOUR);
    cycles.service.answer = () => first;
    await cycles.clock.tickAsync(54 * MINUTE);
    cycles.service.answer = undefined;
    await cycles.clock.tickAsync(5 * MINUTE);
    expect(cycle.current).not.to.equal(first);
  });

  it('retries after growing waits of at most a minute, and every second after the expiry', async () => {
    cycles.service.lifetime = 10 * HOUR;
    const cycle = await cycles.start();
    cycle.start();
    cycles.service.failure = unavailable();
    await cycles.clock.tickAsync(9 * HOUR);
    const waits = cycles.service.requests
      .slice(1)
      .map(({ at }, index, all) => at - (all[index - 1]?.at ?? at));
    expect(waits.slice(1, 9)).to.deep.equal([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    expect(Math.max(...waits)).to.equal(MINUTE);
    expect(cycles.service.requests.length).to.be.above(60);
    await cycles.clock.tickAsync(2 * HOUR);
    expect(cycle.current.remaining).to.be.below(0);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1_000);
    expect(cycle.current.remaining).to.be.above(0);
  });

  it('refreshes a token that the server refused, unless it is fresh', async () => {
    const cycle = await cycles.start();
    cycle.reportRejected(cycle.current);
    expect(cycles.service.requests).to.have.length(1);
    await cycles.clock.tickAsync(MINUTE);
    cycle.reportRejected(cycle.current);
    cycle.reportRejected(cycle.current);
    expect(cycles.service.requests).to.have.length(2);
    await cycles.clock.tickAsync(0);
    cycle.reportRejected(cycle.current);
    expect(cycles.service.requests).to.have.length(2);
  });

  it('honours Retry-After, even while connections wait for a token', async () => {
    const cycle = await cycles.start();
    cycle.start();
    cycles.service.failure = unavailable(5 * MINUTE);
    await cycles.clock.tickAsync(HOUR);
    const askedAt = cycles.service.requests.map(({ at }) => at);
    const aborter = new AbortController();
    const waiting = rejection(cycle.waitUntilUsable(aborter.signal));
    await cycles.clock.tickAsync(20 * MINUTE);
    aborter.abort();
    expect(await waiting).to.equal(cycles.service.failure);
    const waits = [...askedAt.slice(1), ...cycles.service.requests.slice(askedAt.length).map(({ at }) => at)];
    for (let index = 1; index < waits.length; index += 1) {
      expect((waits[index] ?? 0) - (waits[index - 1] ?? 0)).to.be.at.least(5 * MINUTE);
    }
  });

  it('keeps a cached token without an error, and requests again when a newer one can exist', async () => {
    const cycle = await cycles.start();
    const failures: unknown[] = [];
    cycle.on('refreshFailed', (error) => failures.push(error));
    cycle.start();
    const cached = cycle.current;
    cycles.service.answer = () => cached;
    await cycles.clock.tickAsync(55 * MINUTE - 1);
    expect(cycle.current).to.equal(cached);
    expect(cycles.service.requests.length).to.be.below(10);
    cycles.service.answer = undefined;
    await cycles.clock.tickAsync(1);
    expect(cycle.current).not.to.equal(cached);
    expect(failures).to.deep.equal([]);
  });

  it('prefers any token to one that the server refused, also one that ends earlier', async () => {
    const cycle = await cycles.start();
    const refused = cycle.current;
    await cycles.clock.tickAsync(4 * MINUTE);
    cycles.service.lifetime = MINUTE;
    await cycle.refresh();
    expect(cycle.current, 'before it was refused').to.equal(refused);
    cycle.reportRejected(refused);
    await cycle.refresh();
    expect(cycle.current.password).to.equal('token 3');
    // The identity library returns it from another cache.
    cycles.service.answer = () => refused;
    await cycle.refresh();
    expect(cycle.current.password).to.equal('token 3');
  });

  it('makes no request for a refused token that has been replaced', async () => {
    const cycle = await cycles.start();
    const old = cycle.current;
    await cycles.clock.tickAsync(10 * MINUTE);
    await cycle.refresh();
    await cycles.clock.tickAsync(10 * MINUTE);
    cycle.reportRejected(old);
    expect(cycles.service.requests).to.have.length(2);
  });

  it('accepts the token of an identity that was created anew, and reports it', async () => {
    const cycle = await cycles.start();
    cycle.start();
    const events: unknown[] = [];
    cycle.on('identityChanged', (change) => events.push(change));
    cycle.on('refreshed', ({ username }) => events.push(`refreshed ${username}`));
    const waiting = cycle.newerThan(cycle.current, new CloseSignal());
    cycles.service.answer = () => cycles.service.token({ username: 'me, anew' });
    await cycles.clock.tickAsync(45 * MINUTE);
    expect(events).to.deep.equal([{ previous: 'me', username: 'me, anew' }, 'refreshed me, anew']);
    expect(await waiting)
      .to.equal(cycle.current)
      .and.include({ username: 'me, anew' });
    expect(cycle.username).to.equal('me, anew');
  });

  it('changes its user at its refreshes alone when the credential alternates between two', async () => {
    const cycle = await cycles.start();
    cycle.start();
    const changes: string[] = [];
    cycle.on('identityChanged', ({ username }) => changes.push(username));
    cycles.service.answer = () =>
      cycles.service.token({ username: cycles.service.requests.length % 2 === 0 ? 'other' : 'me' });
    await cycles.clock.tickAsync(2.9 * HOUR);
    expect(changes).to.deep.equal(['other', 'me', 'other']);
  });

  it('emits nothing after close(), whatever the request in progress yields', async () => {
    for (const failure of [undefined, unavailable()]) {
      const cycle = await cycles.start();
      const events: string[] = [];
      for (const name of ['refreshed', 'refreshFailed', 'identityChanged'] as const) {
        cycle.on(name, () => events.push(name));
      }
      let settle: () => void = () => undefined;
      cycles.service.answer = () =>
        new Promise<Token>((resolve, reject) => {
          settle = () => {
            if (failure) reject(failure);
            else resolve(cycles.service.token({ username: 'another' }));
          };
        });
      const refreshing = cycle.refresh();
      cycle.close(new AzureRedisError('CLOSED', 'closed', 'open'));
      settle();
      await refreshing.catch(() => undefined);
      expect(events).to.deep.equal([]);
      cycles.service.answer = undefined;
    }
  });

  for (const advice of [1, 10, 999]) {
    it(`requests at most once a second when tokens advise a refresh after ${advice} ms`, async () => {
      cycles.service.answer = () => cycles.service.token({ refreshAfter: Date.now() + advice });
      const cycle = await cycles.start();
      cycle.start();
      await cycles.clock.tickAsync(5_000);
      expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([
        0, 1_000, 2_000, 3_000, 4_000, 5_000,
      ]);
    });
  }

  it('keeps a token of one second refreshed before its expiry', async () => {
    cycles.service.lifetime = 1_000;
    const cycle = await cycles.start();
    cycle.start();
    for (let step = 0; step < 100; step += 1) {
      await cycles.clock.tickAsync(50);
      expect(cycle.current.remaining).to.be.above(0);
    }
    expect(cycles.service.requests.length).to.be.within(6, 8);
  });

  it('requests a token of a few milliseconds at most three times a second', async () => {
    cycles.service.lifetime = 2;
    const cycle = await cycles.start();
    cycle.start();
    await cycles.clock.tickAsync(3_000);
    expect(cycles.service.requests.length).to.be.at.most(9);
  });

  it('keeps its pace in a long outage with `retry.minTimeout: 0`', async () => {
    const cycle = await cycles.start({ retry: { ...SETTINGS.retry, minTimeout: 0 } });
    cycle.start();
    cycles.service.failure = unavailable();
    await cycles.clock.tickAsync(2 * HOUR);
    const [before = 0, last = 0] = cycles.service.requests.slice(-2).map(({ at }) => at);
    expect(cycles.service.requests.length).to.be.above(1_100);
    expect(last - before).to.equal(1_000);
  });

  it('has no timers after stop(), and catches up after start()', async () => {
    const cycle = await cycles.start();
    cycle.start();
    cycle.stop();
    expect(cycles.clock.countTimers()).to.equal(0);
    await cycles.clock.tickAsync(10 * HOUR);
    expect(cycles.service.requests).to.have.length(1);
    cycle.start();
    await cycles.clock.tickAsync(0);
    expect(cycles.service.requests).to.have.length(2);
  });
});

describe('TokenCycle.refresh()', () => {
  const cycles = Cycles.forEach();

  it('requests at once, and joins a request in progress', async () => {
    const cycle = await cycles.start();
    await Promise.all([cycle.refresh(), cycle.refresh(), cycle.refresh()]);
    expect(cycles.service.requests).to.have.length(2);
    expect(cycle.current.password).to.equal('token 2');
  });

  it('rejects with the reason, and keeps the current token', async () => {
    const cycle = await cycles.start();
    cycles.service.failure = unavailable();
    expect(await rejection(cycle.refresh())).to.equal(cycles.service.failure);
    expect(cycle.current.password).to.equal('token 1');
  });
});
