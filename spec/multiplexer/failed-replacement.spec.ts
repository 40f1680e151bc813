import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { Network } from '../support/network.js';
import { nextWhere, until } from '../support/waiting.js';
import { eventOf, Multiplexers, recorder, type Recycled } from './support/multiplexers.js';
import { connect, distinct, publishNumbers, receiveNumbers, upTo } from './support/numbers.js';

describe('the replacement of a RESP2 subscriber that fails at first', () => {
  const multiplexers = Multiplexers.forEach({ tokenLifetime: 4_000 });

  it('is attempted as soon as a token is available, however long the retry strategy would wait', async () => {
    const { azure } = multiplexers;
    const multiplexer = await multiplexers.connect({
      protocol: 2,
      connectTimeout: 1_000,
      retryStrategy: (times) => (times === 1 ? 0 : 3_600_000),
    });
    let failures = 0;
    multiplexer.on('error', ({ code }) => {
      // Reset connections may be reported, too.
      if (code === 'TOKEN_UNAVAILABLE') failures += 1;
    });
    const received: string[] = [];
    await multiplexer.subscribe('news', (text) => received.push(text));
    azure.identityDown();
    // One of the interactive connection, two of the subscriber.
    await until(() => failures >= 3 && multiplexer.interactive.status === 'reconnecting');

    const restored = eventOf(
      multiplexer,
      'connectionRestored',
      ({ connection }) => connection === 'subscriber',
    );
    azure.identityRestored();
    await restored;
    await multiplexer.publish('news', 'hello');
    await until(() => received.includes('hello'));
  });

  for (const [trouble, begin, end] of [
    ['logins are refused', 'refuseLogins', 'acceptLogins'],
    ['the identity service is down', 'identityDown', 'identityRestored'],
  ] as const) {
    it(`keeps the old one until the server closes it if ${trouble}, and reports the gap`, async () => {
      const { azure } = multiplexers;
      const { multiplexer } = await connect(multiplexers);
      multiplexer.on('error', () => undefined);
      let heardAt = 0;
      const numbers = await receiveNumbers(multiplexer, () => {
        heardAt = performance.now();
      });
      const stop = publishNumbers(multiplexers, 'news');
      const lost = eventOf(multiplexer, 'connectionLost', ({ connection }) => connection === 'subscriber');
      azure[begin]();
      await lost;
      const lastHeardAt = heardAt;
      const before = numbers.length;
      expect(azure.statistics.evictions).not.to.be.empty;
      expect(multiplexer.status).to.equal('reconnecting');

      const restored = eventOf(
        multiplexer,
        'connectionRestored',
        ({ connection }) => connection === 'subscriber',
      );
      // The interactive connection may be replaced too.
      const recycled = nextWhere<Recycled>(
        multiplexer.authenticator,
        'recycled',
        ({ reason }) => reason === 'subscriber',
      );
      azure[end]();
      const { gap, delivery } = await recycled;
      expect(delivery).to.equal('at-most-once');
      // It is rounded to whole milliseconds.
      expect(gap).to.be.within(1, performance.now() - lastHeardAt + 1);
      expect((await restored).gap).to.equal(gap);

      await until(() => numbers.length > before);
      const published = await stop();
      await until(() => numbers.at(-1) === published - 1);
      // Up to the gap and after it nothing is missing.
      const missing = upTo(published).filter((number) => !numbers.includes(number));
      expect(numbers.slice(0, before)).to.deep.equal(upTo(before));
      expect(missing).to.deep.equal(missing.map((_, index) => (missing[0] ?? 0) + index));
      expect(numbers).to.deep.equal(distinct(numbers));
      await until(() => multiplexer.status === 'ready');
    });
  }

  it('reports a gap if the old one does not answer', async () => {
    const network = await Network.to(multiplexers.azure.port);
    try {
      const settings = { protocol: 2, port: network.port, disconnectTimeout: 100 } as const;
      const idle = await multiplexers.connect({ ...settings, expirationRefreshRatio: 0.4 });
      const asking = await multiplexers.connect({
        ...settings,
        credential: multiplexers.azure.credential({ tokenLifetime: 60_000 }),
      });
      const numbers = await receiveNumbers(idle);
      const { calls, listener } = recorder();
      await asking.subscribe('old', listener);
      const heardAt = performance.now();
      await multiplexers.azure.server.call('PUBLISH', 'news', '0');
      await until(() => numbers.length === 1);

      // As by a firewall that drops a connection.
      network.loseServerSides();
      const recycled = nextWhere<Recycled>(
        idle.authenticator,
        'recycled',
        ({ reason }) => reason === 'subscriber',
      );
      const subscribed = asking.subscribe('new', listener);
      await multiplexers.azure.server.call('PUBLISH', 'news', '1');
      const { gap, delivery } = await recycled;
      expect(delivery).to.equal('at-most-once');
      expect(gap).to.be.within(1_000, performance.now() - heardAt + 1);
      await multiplexers.azure.server.call('PUBLISH', 'news', '2');
      await until(() => numbers.length === 2);
      expect(numbers).to.deep.equal([0, 2]);

      await subscribed;
      for (const channel of ['old', 'new']) await multiplexers.azure.server.call('PUBLISH', channel, 'hello');
      await until(() => calls.length === 2);
    } finally {
      await network.close();
    }
  });

  it('subscribes to the permitted channels if one has become forbidden', async () => {
    const { multiplexer, oid } = await connect(multiplexers);
    const errors: string[] = [];
    multiplexer.on('error', ({ code }) => errors.push(code));
    const { calls, listener } = recorder();
    await multiplexer.subscribe(['news', 'secret'], listener);
    const restored = eventOf(multiplexer, 'connectionRestored');
    // Which closes the connection.
    await multiplexers.azure.server.call('ACL', 'SETUSER', oid, 'resetchannels', '&news');
    await restored;
    expect(errors).to.deep.equal(['NOPERM']);
    await multiplexers.azure.server.call('PUBLISH', 'news', 'hello');
    await until(() => calls.length === 1);
  });

  it('leaves nothing in memory for each attempt that fails', async () => {
    const { azure } = multiplexers;
    const credential = azure.credential({ tokenLifetime: 3_600_000 });
    const multiplexer = await multiplexers.connect({ protocol: 2, credential, retryStrategy: () => 1 });
    let failures = 0;
    multiplexer.on('error', () => (failures += 1));
    const attempts = (count: number): Promise<void> => {
      const target = failures + count;
      return until(() => failures >= target);
    };
    azure.refuseLogins();
    azure.dropConnections();
    await attempts(10);
    const before = Number(queryObjects(Promise));
    await attempts(80);
    // A reaction to a promise that lives on would keep its own, once for each attempt; one that is under way has about 20.
    expect(Number(queryObjects(Promise)) - before).to.be.below(60);
    azure.acceptLogins();
    await until(() => multiplexer.isConnected);
  });

  it('survives connections that break at any time', async () => {
    const { multiplexer } = await connect(multiplexers);
    const numbers = await receiveNumbers(multiplexer);
    const stop = publishNumbers(multiplexers, 'news');
    for (let count = 0; count < 25; count += 1) {
      await sleep(Math.random() * 150);
      multiplexers.azure.dropConnections();
    }
    await stop();
    await until(() => multiplexer.status === 'ready');
    const end = String(Number.MAX_SAFE_INTEGER);
    await until(async () => {
      await multiplexer.publish('news', end);
      return numbers.at(-1) === Number(end);
    });
    const heard = numbers.filter((number) => number !== Number(end));
    // Some are lost with the connections, but the order holds.
    expect(distinct(heard)).to.deep.equal(distinct(heard).toSorted((one, other) => one - other));
    // None is left behind; the one that was replaced last may still be closing.
    await until(() => multiplexers.azure.statistics.open.length === 2);
  });
});
