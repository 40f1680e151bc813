import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import {
  AzureRedisError,
  type AuthenticatorEvents,
  type ConfigureForAzureOptions,
  type ConfiguredRedisOptions,
  type Stall,
} from '../../lib/index.js';
import { internals } from '../../lib/ioredis/client.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { rejection } from '../support/rejection.js';
import { next, nextWhere, until } from '../support/waiting.js';

type Recycled = AuthenticatorEvents['recycled'][0];

const [FIRST] = VARIANTS;

/** Short, so that the specs are; a stall of the machine is no matter, since the server has to answer a probe first. */
const QUICK = { heartbeatInterval: 200, heartbeatTimeout: 500 };

describe('a connection that has gone silent', () => {
  const cache = Cache.forEach();
  let network: Network;
  let stalls: Stall[];

  beforeEach(async () => {
    network = await Network.to(cache.azure.port);
    stalls = [];
  });
  afterEach(() => network.close());

  async function configure(more: Partial<ConfigureForAzureOptions> = {}): Promise<ConfiguredRedisOptions> {
    const options = await cache.configure({ port: network.port, ...QUICK, ...more });
    options.authenticator.on('stalled', (stall) => stalls.push(stall));
    return options;
  }

  function connectAll(options: ConfiguredRedisOptions): Promise<Redis[]> {
    return Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
  }

  /** A client of the first variant. */
  function connect(options: ConfiguredRedisOptions): Promise<Redis> {
    return cache.connect(FIRST, options);
  }

  it('is replaced within seconds, with heartbeatInterval: 1000, and its commands are answered', async () => {
    const published: unknown[] = [];
    const listener = (message: unknown): void => void published.push(message);
    subscribe('ioredis-azure:stalled', listener);
    try {
      const options = await configure({ heartbeatInterval: 1_000, heartbeatTimeout: undefined });
      const clients = await connectAll(options);
      const recycled: Recycled[] = [];
      options.authenticator.on('recycled', (event) => recycled.push(event));
      network.loseServerSides();
      // TCP would wait for a quarter of an hour.
      await Promise.all(clients.map((client) => client.set('key', 'value')));
      await until(() => recycled.length === clients.length);

      const endpoint = `localhost:${network.port}`;
      for (const stall of stalls) {
        expect(stall).to.deep.include({ endpoint, awaited: 'SET' });
        expect(stall.silence).to.be.within(2_000, 20_000);
      }
      expect(published).to.deep.equal(stalls);
      expect(recycled.map(({ reason }) => reason)).to.deep.equal(['stalled', 'stalled', 'stalled']);
      expect(options.authenticator.connections.map((each) => each.stalls)).to.deep.equal([1, 1, 1]);
    } finally {
      unsubscribe('ioredis-azure:stalled', listener);
    }
  });

  it('is replaced while it is idle', async () => {
    const options = await configure();
    await connectAll(options);
    network.loseServerSides();
    await until(() => options.authenticator.connections.every((each) => each.stalls === 1));
    expect(stalls.map(({ awaited }) => awaited)).to.deep.equal(['PING', 'PING', 'PING']);
  });

  it('is replaced under load, and no command is lost', async () => {
    const clients = await connectAll(await configure());
    const answered = clients.map(() => 0);
    let isOver = false;
    const counting = clients.map(async (client, index) => {
      for (; !isOver; answered[index] = (answered[index] ?? 0) + 1) await client.incr(`counter ${index}`);
    });
    await until(() => answered.every((count) => count > 50));
    network.loseServerSides();
    await until(() => stalls.length === clients.length);
    const before = [...answered];
    await until(() => answered.every((count, index) => count > (before[index] ?? 0) + 50));
    isOver = true;
    await Promise.all(counting);
    for (const [index, client] of clients.entries()) {
      const count = answered[index] ?? 0;
      // The one whose reply was lost may have been executed before it was sent again.
      expect(Number(await client.get(`counter ${index}`))).to.be.within(count, count + 1);
    }
  });

  it('is replaced soon after the first of many, although commandTimeout has rejected what it awaits', async () => {
    const options = await configure();
    const clients = await Promise.all(Array.from({ length: 9 }, () => connect(options)));
    network.loseServerSides();
    for (const client of clients) {
      // For this command alone: a busy machine takes longer to connect.
      client.options.commandTimeout = 100;
      client.get('key').catch(() => undefined);
      client.options.commandTimeout = undefined;
    }
    await until(() => stalls.length === clients.length);
  });

  it('rejects what must not be sent again with CONNECTION_STALLED', async () => {
    const options = await configure();
    for (const choice of [{ autoResendUnfulfilledCommands: false }, { maxRetriesPerRequest: 0 }]) {
      const client = await connect({ ...options, ...choice });
      await client.set('counter', 1);
      network.loseServerSides();
      const error = await rejection(client.incr('counter'));
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'CONNECTION_STALLED' });
      expect(String(error)).to.match(/localhost:\d+ was silent for \d+ ms while the reply to INCR/);
      expect(await client.get('counter')).to.equal('1');
      client.disconnect();
    }
  });

  it('is found in one direction only: its commands arrive, their replies do not', async () => {
    const clients = await connectAll(await configure({ autoResendUnfulfilledCommands: false }));
    network.loseReplies();
    const errors = await Promise.all(
      clients.map((client, index) => rejection(client.incr(`counter ${index}`))),
    );
    for (const error of errors) expect(error).to.include({ code: 'CONNECTION_STALLED' });
    expect(await Promise.all(clients.map((client, index) => client.get(`counter ${index}`)))).to.deep.equal(
      clients.map(() => '1'),
    );
  });

  for (const variant of VARIANTS) {
    it(`ends a transaction with it, and runs none of its commands outside: ${variant.name}`, async () => {
      const client = await cache.connect(variant, await configure());
      await client.multi({ pipeline: false });
      network.loseServerSides();
      const error = await rejection(client.set('key', 'value'));
      expect(error).to.include({ code: 'CONNECTION_STALLED' });
      expect(await client.get('key')).to.equal(null);
    });
  }

  it('sends a whole transaction again', async () => {
    const clients = await connectAll(await configure());
    network.loseServerSides();
    const results = await Promise.all(
      clients.map((client, index) => client.multi().incr(`a ${index}`).incr(`b ${index}`).exec()),
    );
    const done = [null, 1];
    expect(results).to.deep.equal(clients.map(() => [done, done]));
    expect(stalls.length).to.equal(clients.length);
  });

  for (const variant of VARIANTS) {
    it(`is replaced if it is subscribed: ${variant.name}`, async () => {
      const options = await configure();
      const client = await cache.connect(variant, options);
      await client.subscribe('news');
      const recycled = next<Recycled>(options.authenticator, 'recycled');
      network.loseServerSides();
      expect(await recycled).to.include({ reason: 'stalled', delivery: 'at-most-once' });
      const message = next(client, 'message');
      await until(async () => (await cache.azure.server.call('PUBLISH', 'news', 'hello')) === 1);
      await message;
    });
  }

  it('is replaced in MONITOR mode', async () => {
    const options = await configure();
    const client = await cache.connect(FIRST, options);
    const monitor = await client.monitor();
    monitor.on('error', () => undefined);
    try {
      const recycled = nextWhere<Recycled>(options.authenticator, 'recycled', () => true);
      network.loseServerSides((port) => port === monitor.stream.localPort);
      expect(await recycled).to.include({ reason: 'stalled' });
      expect(stalls).to.have.length(1);
      expect(stalls[0]).to.include({ awaited: 'MONITOR' });
    } finally {
      monitor.disconnect();
    }
  });

  it('is replaced once a command that blocks is overdue, and not before', async () => {
    const clients = await connectAll(await configure());
    expect(await Promise.all(clients.map((client) => client.blpop('queue', 1.5)))).to.deep.equal([
      null,
      null,
      null,
    ]);
    expect(stalls).to.deep.equal([]);
    network.loseServerSides();
    const popping = clients.map((client) => client.blpop('queue', 1));
    await until(() => stalls.length === clients.length);
    for (const stall of stalls) {
      expect(stall.awaited).to.equal('BLPOP');
      expect(stall.silence).to.be.at.least(1_500);
    }
    await Promise.all(popping);
  });

  it('is replaced in a command that blocks for ever', async () => {
    // The server is given a timeout, since the token expires.
    const credential = cache.azure.credential({ tokenLifetime: 4_000 });
    const client = await connect(await configure({ credential }));
    const popping = client.blpop('queue', 0);
    await until(async () => String(await cache.azure.server.call('CLIENT', 'LIST')).includes('cmd=blpop'));
    network.loseServerSides();
    await until(() => stalls.some(({ awaited }) => awaited === 'BLPOP'));
    await cache.azure.server.call('RPUSH', 'queue', 'job');
    expect(await popping).to.deep.equal(['queue', 'job']);
  });

  it('is replaced while it logs in', async () => {
    const options = await configure();
    const client = cache.client(FIRST, { ...options, lazyConnect: true });
    client.connect().catch(() => undefined);
    await next(client, 'connect');
    network.loseReplies();
    await until(() => stalls.length > 0);
    expect(await client.set('key', 'value')).to.equal('OK');
  });

  for (const variant of VARIANTS) {
    it(`is replaced while it re-authenticates: ${variant.name}`, async () => {
      const credential = cache.azure.credential({ tokenLifetime: 10_000 });
      // Without PINGs, the reply to AUTH is the only one that is due.
      const options = await configure({ credential, heartbeatInterval: 0 });
      const client = await cache.connect(variant, options);
      const failures: unknown[] = [];
      options.authenticator.on('reauthenticationFailed', (failure) => failures.push(failure));
      const stalled = next<Stall>(options.authenticator, 'stalled');
      await next(options.authenticator, 'tokenRefreshed');
      network.loseReplies();
      expect(await stalled).to.include({ awaited: 'AUTH' });
      expect(await client.set('key', 'value')).to.equal('OK');
      expect(failures).to.deep.equal([]);
      expect(stalls).to.have.length(1);
    });
  }

  it('is found although the role does not permit PING', async () => {
    const credential = cache.azure.credential();
    const options = await configure({ credential, enableReadyCheck: false });
    const client = await connect(options);
    await cache.azure.server.call('ACL', 'SETUSER', credential.oid, '-@all', '+@read');
    expect(await rejection(client.ping())).to.include({ code: 'NOPERM' });
    network.loseServerSides();
    expect(await client.get('key')).to.equal(null);
    expect(stalls[0]).to.include({ awaited: 'GET' });
  });

  const slow: Record<string, (client: Redis) => Promise<unknown>> = {
    'a script': (client) => client.eval("return redis.call('INCR', 'runs')", 0),
    'a command over many keys': (client) => client.call('SORT', 'missing', 'STORE', 'copy'),
  };
  for (const [name, send] of Object.entries(slow)) {
    it(`is kept while the reply to ${name} is awaited, which is sent once, however long it takes`, async () => {
      const options = await configure();
      const client = await connect(options);
      const others = await connectAll(options);
      const port = internals(client).stream?.localPort ?? 0;
      network.holdReplies((each) => each === port);
      const reply = send(client);
      // Six times as long as a fast command is awaited, while the server answers other connections.
      await sleep(3_000);
      await Promise.all(others.map((other) => other.ping()));
      network.restore();
      await reply;
      expect(stalls).to.deep.equal([]);
      expect(await client.get('runs')).to.be.oneOf(['1', null]);
    });
  }

  it('does not keep QUIT waiting', async () => {
    const client = await connect(await configure());
    network.loseServerSides();
    const ended = next(client, 'end');
    await client.quit().catch(() => undefined);
    await ended;
    expect(stalls[0]).to.include({ awaited: 'QUIT' });
  });
});
