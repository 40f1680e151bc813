import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { TokenCycle } from '../../lib/credentials/token-cycle.js';
import { rejection } from '../support/rejection.js';
import { Cycles, HOUR, SETTINGS, unavailable } from './support/cycles.js';

const NEVER = new AbortController().signal;

describe('TokenCycle, for a connection that logs in', () => {
  const cycles = Cycles.forEach();

  it('is ready at once while the token is usable', async () => {
    const cycle = await cycles.start();
    await cycle.waitUntilUsable(NEVER);
    expect(cycles.service.requests).to.have.length(1);
  });

  it('makes one request for all connections that wait when the token is about to expire', async () => {
    const cycle = await cycles.start();
    await cycles.clock.tickAsync(HOUR - 2_000);
    await Promise.all(Array.from({ length: 1000 }, async () => cycle.waitUntilUsable(NEVER)));
    expect(cycles.service.requests).to.have.length(2);
    expect(cycle.current.isUsable()).to.equal(true);
  });

  it('has a token within half a second of the end of an outage of the identity service', async () => {
    const cycle = await cycles.start();
    cycle.start();
    cycles.service.failure = unavailable();
    await cycles.clock.tickAsync(3 * HOUR);
    const ready = cycle.waitUntilUsable(NEVER);
    await cycles.clock.tickAsync(5_300);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(500);
    await ready;
  });

  it('requests once a second while the identity library returns a token that is about to expire', async () => {
    const cycle = await cycles.start();
    const cached = cycle.current;
    await cycles.clock.tickAsync(HOUR - 4_500);
    cycles.service.answer = () => cached;
    const ready = cycle.waitUntilUsable(NEVER);
    await cycles.clock.tickAsync(3_500);
    expect(cycles.service.requests.length - 1).to.equal(4);
    cycles.service.answer = undefined;
    await cycles.clock.tickAsync(1_000);
    await ready;
  });

  it('accepts a new token after the clock was set back, although it seems to expire earlier', async () => {
    const cycle = await cycles.start();
    cycles.clock.setSystemTime(Date.now() - 5 * HOUR);
    await cycles.clock.tickAsync(HOUR);
    await cycle.waitUntilUsable(NEVER);
    expect(cycle.current.password).to.equal('token 2');
    expect(cycles.service.requests).to.have.length(2);
  });

  it('rejects with the last error when the signal aborts', async () => {
    const cycle = await cycles.start();
    await cycles.clock.tickAsync(HOUR);
    cycles.service.failure = unavailable();
    const aborter = new AbortController();
    const waiting = rejection(cycle.waitUntilUsable(aborter.signal));
    await cycles.clock.tickAsync(10_000);
    aborter.abort();
    expect(await waiting).to.equal(cycles.service.failure);
  });

  it('stops waiting for an identity service that does not answer when the signal aborts', async () => {
    const cycle = await cycles.start();
    await cycles.clock.tickAsync(HOUR);
    cycles.service.answer = () => new Promise(() => undefined);
    const aborter = new AbortController();
    const waiting = rejection(cycle.waitUntilUsable(aborter.signal));
    aborter.abort();
    expect(await waiting).to.include({ code: 'TOKEN_UNAVAILABLE' });
  });

  it('rejects after close()', async () => {
    const cycle = await cycles.start();
    const reason = new AzureRedisError('CLOSED', 'closed', 'open');
    cycle.close(reason);
    expect(await rejection(cycle.waitUntilUsable(NEVER))).to.equal(reason);
  });
});

describe('TokenCycle without a first token', () => {
  const cycles = Cycles.forEach();

  it('acquires it when a connection waits for it, once for all', async () => {
    const cycle = new TokenCycle(cycles.service.request, SETTINGS);
    const events: unknown[] = [];
    for (const name of ['refreshed', 'identityChanged'] as const) cycle.on(name, () => events.push(name));
    expect(cycle).to.include({ isUsable: false, username: '' });
    await Promise.all([cycle.waitUntilUsable(NEVER), cycle.waitUntilUsable(NEVER)]);
    expect(cycle).to.include({ isUsable: true, username: 'me' });
    expect(cycles.service.requests).to.have.length(1);
    expect(events).to.deep.equal(['refreshed']);
  });

  it('reports a failure to the connections that wait, at once, and waits for the backoff before each attempt', async () => {
    const cycle = new TokenCycle(cycles.service.request, SETTINGS);
    cycle.start();
    cycles.service.failure = unavailable();
    expect(await rejection(cycle.waitUntilUsable(NEVER))).to.equal(cycles.service.failure);
    await cycles.clock.tickAsync(8_000);
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([
      0, 1_000, 2_000, 4_000, 8_000,
    ]);
    cycle.stop();
  });

  it('waits for no longer than the connection does', async () => {
    const cycle = new TokenCycle(cycles.service.request, SETTINGS);
    cycles.service.failure = unavailable(HOUR);
    await rejection(cycle.waitUntilUsable(NEVER));
    const aborter = new AbortController();
    const waiting = rejection(cycle.waitUntilUsable(aborter.signal));
    aborter.abort();
    expect(await waiting).to.equal(cycles.service.failure);
    expect(cycles.service.requests).to.have.length(1);
  });
});
