import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import sinon from 'sinon';
import type { Credentials } from '../../lib/credentials/credentials.js';
import { TokenCycle } from '../../lib/credentials/token-cycle.js';
import { closedBySignal, CloseSignal } from '../../lib/timing/close-signal.js';
import { failure } from '../identities/support/failure.js';
import { Cycles, HOUR, IdentityService, SETTINGS, unavailable } from './support/cycles.js';

describe('TokenCycle.newerThan()', () => {
  const cycles = Cycles.forEach();

  it('resolves at once for a connection that is not logged in, or logged in with another token', async () => {
    const cycle = await cycles.start();
    const signal = new CloseSignal();
    const first = cycle.current;
    expect(await cycle.newerThan(undefined, signal)).to.equal(first);
    await cycle.refresh();
    expect(await cycle.newerThan(first, signal)).to.equal(cycle.current);
    expect(cycle.current.password).to.equal('token 2');
  });

  it('resolves once a new token has been accepted', async () => {
    const cycle = await cycles.start();
    cycle.start();
    const signal = new CloseSignal();
    const resolved = sinon.spy();
    const waiting = cycle.newerThan(cycle.current, signal).then(resolved);
    await cycles.clock.tickAsync(44 * 60_000);
    expect(resolved.callCount).to.equal(0);
    await cycles.clock.tickAsync(60_000);
    await waiting;
    expect(resolved.args).to.deep.equal([[cycle.current]]);
  });

  it('waits while the current token has expired, for any connection', async () => {
    const cycle = await cycles.start();
    cycle.start();
    cycles.service.failure = unavailable();
    const first = cycle.current;
    await cycles.clock.tickAsync(2 * HOUR);
    const waiting = cycle.newerThan(undefined, new CloseSignal());
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1_000);
    expect(await waiting).to.equal(cycle.current);
    expect(cycle.current).not.to.equal(first);
  });

  it('ends with the signal of the connection, also when it has closed before', async () => {
    const cycle = await cycles.start();
    const signal = new CloseSignal();
    const waiting = failure(cycle.newerThan(cycle.current, signal));
    signal.close();
    expect(await waiting).to.equal(closedBySignal);
    expect(await failure(cycle.newerThan(undefined, signal))).to.equal(closedBySignal);
  });
});

describe('a new token, for thousands of connections', () => {
  it('wakes at most 500 of them in a turn of the event loop', async () => {
    const service = new IdentityService();
    const cycle = await TokenCycle.start(service.request, SETTINGS);
    const first = cycle.current;
    let woken = 0;
    const count = (credentials: Credentials): void => {
      expect(credentials).to.equal(cycle.current);
      woken += 1;
    };
    const signals = Array.from({ length: 1_300 }, () => new CloseSignal());
    const waiting = signals.map((signal) => cycle.newerThan(first, signal).then(count, () => undefined));
    for (const signal of signals.slice(0, 100)) signal.close();
    await cycle.refresh();
    const turns = [woken];
    while (woken < 1_200) {
      await nextTurn();
      turns.push(woken);
    }
    expect(turns.map((total, turn) => total - (turns[turn - 1] ?? 0)).every((each) => each <= 500)).to.equal(
      true,
    );
    await Promise.all(waiting);
  });
});

describe('connections that have ended', () => {
  it('are not held by a token cycle for which they waited', async () => {
    const service = new IdentityService();
    const cycle = await TokenCycle.start(service.request, SETTINGS);
    const ended = await (async () => {
      const signals = Array.from({ length: 100 }, () => new CloseSignal());
      const waiting = signals.map((signal) => failure(cycle.newerThan(cycle.current, signal)));
      for (const signal of signals) signal.close();
      await Promise.all(waiting);
      return signals.map((signal) => new WeakRef(signal));
    })();
    // What a WeakRef was created for lives until the end of the turn.
    await nextTurn();
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    expect(ended.filter((signal) => signal.deref() !== undefined)).to.have.length(0);
    expect(cycle.current.password).to.equal('token 1');
  });
});
