import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { stub } from 'sinon';
import type { Multiplexer } from '../../lib/index.js';
import { Network } from '../support/network.js';
import { allRenewed, next, nextWhere, until } from '../support/waiting.js';
import { eventOf, Multiplexers, PROTOCOLS, recorder, type Recycled } from './support/multiplexers.js';

/** Publishes numbers to a channel, past the endpoint, until it is stopped; says how many there were. */
function publishNumbers(multiplexers: Multiplexers, channel: string): () => Promise<number> {
  const stopping = new AbortController();
  const publishing = (async () => {
    let count = 0;
    for (; !stopping.signal.aborted; count += 1) {
      await multiplexers.azure.server.call('PUBLISH', channel, String(count));
      await sleep(1);
    }
    return count;
  })();
  return () => {
    stopping.abort();
    return publishing;
  };
}

/** Each number once, in the order in which they first came. */
function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)];
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('the replacement of a RESP2 subscriber', () => {
  const multiplexers = Multiplexers.forEach({ tokenLifetime: 4_000 });

  async function connect(): Promise<{ multiplexer: Multiplexer; oid: string }> {
    const credential = multiplexers.azure.credential();
    const multiplexer = await multiplexers.connect({ protocol: 2, credential });
    return { multiplexer, oid: credential.oid };
  }

  async function receiveNumbers(multiplexer: Multiplexer, received?: () => void): Promise<number[]> {
    const numbers: number[] = [];
    await multiplexer.subscribe('news', (text) => {
      numbers.push(Number(text));
      received?.();
    });
    return numbers;
  }

  for (const [what, ...rules] of [
    ['may not publish', '-publish'],
    ['may not use the channel of the mark', 'resetchannels', '&news'],
  ] as const) {
    it(`may repeat messages, but loses none, if the identity ${what}`, async () => {
      const { multiplexer, oid } = await connect();
      const numbers = await receiveNumbers(multiplexer);
      await multiplexers.azure.server.call('ACL', 'SETUSER', oid, ...rules);
      // Taking channels away makes the server close those that are subscribed to them.
      await until(() => multiplexer.status === 'ready');
      const stop = publishNumbers(multiplexers, 'news');
      for (let count = 0; count < 2; count += 1) {
        const { reason, gap, delivery } = await next<Recycled>(multiplexer.authenticator, 'recycled');
        expect({ reason, gap, delivery }).to.deep.equal({
          reason: 'subscriber',
          gap: 0,
          delivery: 'at-least-once',
        });
      }
      const published = await stop();
      await until(() => numbers.at(-1) === published - 1);
      expect(distinct(numbers)).to.deep.equal(upTo(published));
      expect(multiplexers.azure.statistics.evictions).to.deep.equal([]);
    });
  }

  it('is attempted as soon as a token is available, however long the retry strategy would wait', async () => {
    const { azure } = multiplexers;
    const multiplexer = await multiplexers.connect({
      protocol: 2,
      connectTimeout: 1_000,
      retryStrategy: (times) => (times === 1 ? 0 : 3_600_000),
    });
    let failures = 0;
    multiplexer.on('error', ({ code }) => {
      // That connections are reset may be told too.
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
      const { multiplexer } = await connect();
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
      // It is told in whole milliseconds.
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

      // As a firewall does that forgets a connection.
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

  it('is not seen by a pattern that matches everything', async () => {
    const { multiplexer } = await connect();
    const { calls, listener } = recorder();
    await multiplexer.psubscribe('*', listener);
    for (let count = 0; count < 2; count += 1) {
      const { delivery } = await next<Recycled>(multiplexer.authenticator, 'recycled');
      expect(delivery).to.equal('exactly-once');
    }
    await multiplexer.publish('news', 'end');
    await until(() => calls.length > 0);
    expect(calls).to.deep.equal([['end', 'news', '*']]);
    // Nor does it leave anything behind on the server.
    expect(await multiplexers.azure.server.call('PUBSUB', 'CHANNELS')).to.deep.equal([]);
  });

  it('is never part of a transaction', async () => {
    const { multiplexer } = await connect();
    const { interactive } = multiplexer;
    await receiveNumbers(multiplexer);
    const recycled = next<Recycled>(multiplexer.authenticator, 'recycled');
    await interactive.multi({ pipeline: false });
    await interactive.set('key', 'value');
    await next(multiplexer.authenticator, 'tokenRefreshed');
    // The new connection is up, and the mark wants to be published.
    await until(() => multiplexers.azure.statistics.open.length === 3);
    await interactive.get('key');
    expect(await interactive.exec()).to.deep.equal([
      [null, 'OK'],
      [null, 'value'],
    ]);
    expect((await recycled).delivery).to.equal('exactly-once');
  });

  it('is not reported if the multiplexer is closed during it', async () => {
    const { multiplexer } = await connect();
    const { authenticator, interactive } = multiplexer;
    await receiveNumbers(multiplexer);
    const recycled: Recycled[] = [];
    authenticator.on('recycled', (event) => recycled.push(event));
    // The mark waits for its end.
    await interactive.multi({ pipeline: false });
    await until(async () => {
      return String(await multiplexers.azure.server.call('PUBSUB', 'NUMSUB', 'news')) === 'news,2';
    });
    await multiplexer.close();
    expect(recycled).to.deep.equal([]);
    await until(() => multiplexers.azure.statistics.open.length === 0);
  });

  it('is followed by another one if a new token arrives during it', async () => {
    const random = stub(Math, 'random').returns(0);
    try {
      // Nothing is refreshed but on request, and then everything is re-authenticated at once.
      const credential = multiplexers.azure.credential({ tokenLifetime: 3_600_000 });
      const multiplexer = await multiplexers.connect({ protocol: 2, credential });
      const other = await multiplexers.connect({ protocol: 2, authenticator: multiplexer.authenticator });
      const { authenticator, interactive } = multiplexer;
      const numbers = await receiveNumbers(multiplexer);
      const recycled: Recycled[] = [];
      authenticator.on('recycled', (event) => recycled.push(event));
      const subscribers = async (): Promise<unknown> =>
        multiplexers.azure.server.call('PUBSUB', 'NUMSUB', 'news');
      const refresh = async (): Promise<void> => {
        // That of the other one: by then, whatever was to be replaced is being replaced.
        const reauthenticated = next(other.authenticator, 'reauthenticated');
        await authenticator.refresh();
        await reauthenticated;
      };

      // The mark waits for its end.
      await interactive.multi({ pipeline: false });
      await refresh();
      await until(async () => String(await subscribers()) === 'news,2');
      await refresh();
      expect(await interactive.exec()).to.deep.equal([]);
      await allRenewed(multiplexer);
      await until(async () => String(await subscribers()) === 'news,1');
      expect(recycled.map(({ delivery }) => delivery)).to.deep.equal(['exactly-once', 'exactly-once']);
      await multiplexer.publish('news', '0');
      await until(() => numbers.length > 0);
      expect(numbers).to.deep.equal([0]);
    } finally {
      random.restore();
    }
  });

  it('subscribes to the permitted channels if one has become forbidden', async () => {
    const { multiplexer, oid } = await connect();
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

  it('survives connections that break at any time', async () => {
    const { multiplexer } = await connect();
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
    expect(multiplexers.azure.statistics.open.length).to.equal(2);
  });
});

describe('the negotiated protocol', () => {
  const multiplexers = Multiplexers.forEach();

  async function expectToWork(multiplexer: Multiplexer, calls: unknown[][]): Promise<void> {
    const before = calls.length;
    await multiplexer.interactive.set('key', 'value');
    await multiplexer.publish('news', 'hello');
    await until(() => calls.length > before);
    expect(calls.length).to.equal(before + 1);
  }

  it('determines the number of connections', async () => {
    for (const protocol of PROTOCOLS) {
      const multiplexer = await multiplexers.connect({ protocol });
      expect(multiplexer.protocol).to.equal(protocol);
      const names = multiplexer.connections.map(({ name, status }) => `${name} ${status}`);
      expect(names).to.deep.equal(
        protocol === 3 ? ['interactive ready'] : ['interactive ready', 'subscriber ready'],
      );
      expect(multiplexers.azure.statistics.open.length).to.equal(names.length);
      await multiplexer.close();
    }
  });

  it('is RESP2 if the cache rejects HELLO', async () => {
    multiplexers.azure.refuseHello();
    const multiplexer = await multiplexers.connect();
    expect(multiplexer.protocol).to.equal(2);
    expect(multiplexer.connections.length).to.equal(2);
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', listener);
    await expectToWork(multiplexer, calls);
  });

  if (PROTOCOLS.includes(3)) {
    it('may change on a reconnect', async () => {
      const { azure } = multiplexers;
      const multiplexer = await multiplexers.connect();
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      await expectToWork(multiplexer, calls);

      for (const [change, protocol] of [
        ['refuseHello', 2],
        ['acceptHello', 3],
        ['refuseHello', 2],
      ] as const) {
        azure[change]();
        const commands = Promise.all(Array.from({ length: 50 }, () => multiplexer.interactive.incr('count')));
        azure.dropConnections();
        const late = multiplexer.subscribe('late');
        await commands;
        await late;
        await until(() => multiplexer.protocol === protocol && multiplexer.status === 'ready');
        // A connection that carries commands is never subscribed with RESP2.
        expect(multiplexer.interactive.mode).to.equal('normal');
        expect(multiplexer.connections.length).to.equal(protocol === 2 ? 2 : multiplexer.connections.length);
        await expectToWork(multiplexer, calls);
      }
    });
  }
});

for (const protocol of PROTOCOLS) {
  describe(`a lost connection with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach();

    it('is reported, and its restoration too', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const events: string[] = [];
      const restored = multiplexer.connections.length;
      multiplexer.on('connectionLost', ({ connection, endpoint }) => {
        expect(endpoint).to.equal(`localhost:${multiplexers.azure.port}`);
        events.push(`lost ${connection}`);
      });
      multiplexer.on('connectionRestored', ({ connection, gap }) => {
        expect(gap).to.be.at.least(0);
        events.push(`restored ${connection}`);
      });
      multiplexers.azure.dropConnections();
      await until(() => events.length === 2 * restored);
      const names = protocol === 3 ? ['interactive'] : ['interactive', 'subscriber'];
      expect(events).to.have.members([
        ...names.map((name) => `lost ${name}`),
        ...names.map((name) => `restored ${name}`),
      ]);
      await multiplexer.publish('news', 'hello');
      await until(() => calls.length === 1);
      expect(multiplexer.status).to.equal('ready');
    });
  });
}
