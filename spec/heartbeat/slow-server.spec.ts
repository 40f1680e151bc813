import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { configureForAzure, type ConfiguredRedisOptions, type Stall } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { until } from '../support/waiting.js';

const [FIRST] = VARIANTS;

const TIMEOUT = 500;

/** Many times the timeout. */
const PAUSE = 4_000;

describe('a server that is slow', () => {
  const cache = Cache.forEach();
  let clients: Redis[];
  let stalls: Stall[];

  beforeEach(async () => {
    const options = await cache.configure({ heartbeatInterval: 200, heartbeatTimeout: TIMEOUT });
    stalls = [];
    options.authenticator.on('stalled', (stall) => stalls.push(stall));
    clients = await connect(options);
  });

  function connect(options: ConfiguredRedisOptions): Promise<Redis[]> {
    return Promise.all(
      Array.from({ length: 10 }, () => VARIANTS.map((variant) => cache.connect(variant, options))).flat(),
    );
  }

  function opened(): number {
    return cache.azure.statistics.connections.length;
  }

  it('is waited for if it stands still: no connection is replaced, and each command is run once', async () => {
    const pid = Number(/process_id:(\d+)/.exec(String(await cache.azure.server.call('INFO', 'server')))?.[1]);
    const before = opened();
    process.kill(pid, 'SIGSTOP');
    const replies = Promise.all(clients.map((client) => client.incr('counter')));
    try {
      await sleep(PAUSE);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await replies;
    expect(await clients[0]?.get('counter')).to.equal(String(clients.length));
    expect(stalls).to.deep.equal([]);
    // Probes alone, one at a time.
    expect(opened() - before).to.be.within(1, 4);
  });

  it('is waited for if it holds back writes alone, as in a failover', async () => {
    const before = opened();
    await cache.azure.server.call('CLIENT', 'PAUSE', String(PAUSE), 'WRITE');
    await Promise.all(clients.map((client) => client.set('key', 'value')));
    // After 0.5, 1 and 2 s.
    expect(stalls.length).to.be.within(1, 4);
    expect(opened() - before).to.be.at.most(8);
  });

  it('is waited for while it runs a script', async () => {
    await cache.azure.server.call('CONFIG', 'SET', 'busy-reply-threshold', '1000');
    const [runner, ...others] = clients;
    const script = `redis.call('INCR', 'runs') local t = redis.call('TIME')[1] while redis.call('TIME')[1] - t < 3 do end`;
    const running = runner?.eval(script, 0);
    // A server that runs a script for long refuses all other commands.
    await Promise.all(others.map((client) => client.set('key', 'value').catch(() => undefined)));
    await running;
    expect(await runner?.get('runs')).to.equal('1');
    expect(stalls).to.deep.equal([]);
  });
});

describe('a server that holds back writes, as in a failover', () => {
  let server: RedisOnTcp;
  let clients: Redis[];

  beforeEach(async () => {
    server = await RedisOnTcp.start();
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  const settings: Record<
    string,
    { commandTimeout?: number; maxRetriesPerRequest?: number; autoResendUnfulfilledCommands?: boolean }
  > = {
    'the defaults': {},
    'a shorter commandTimeout': { commandTimeout: 300 },
    'maxRetriesPerRequest: 0': { maxRetriesPerRequest: 0 },
    'autoResendUnfulfilledCommands: false': { autoResendUnfulfilledCommands: false },
  };
  for (const [name, more] of Object.entries(settings)) {
    it(`loses at most two connections, and runs the commands of the others once, with ${name}`, async () => {
      const { host, port, password: accessKey } = server;
      const options = await configureForAzure({
        ...{ host, port, accessKey, tls: false, heartbeatTimeout: TIMEOUT },
        ...more,
      });
      let stalls = 0;
      options.authenticator.on('stalled', () => (stalls += 1));
      const incrementing = Array.from({ length: 50 }, () => new FIRST.Redis(options));
      clients.push(...incrementing);
      for (const client of incrementing) client.on('error', () => undefined);
      await until(() => incrementing.every(({ status }) => status === 'ready'));
      const observer = new FIRST.Redis({ host, port, password: accessKey });
      clients.push(observer);
      const connected = await connections(observer);
      await observer.call('CLIENT', 'PAUSE', '60000', 'WRITE');
      const replies = Promise.allSettled(incrementing.map((client) => client.incr('counter')));
      await until(() => stalls >= 2);
      // Until the server has noticed that these connections were closed, it may still run their commands.
      await until(async () => {
        const left = await connections(observer);
        return [...connected].filter((id) => !left.has(id)).length >= stalls;
      });
      await observer.call('CLIENT', 'UNPAUSE');
      await replies;
      // Rejected commands may still be run.
      const counted = async (): Promise<number> => Number(await observer.get('counter'));
      await until(async () => (await counted()) >= incrementing.length - 2);
      expect(await counted()).to.be.at.most(incrementing.length);
      expect(stalls).to.equal(2);
      options.authenticator.close();
    });
  }
});

/** The ids of the connections to a server. */
async function connections(observer: Redis): Promise<Set<string>> {
  const list = String(await observer.client('LIST'));
  return new Set(list.match(/^id=\d+/gm));
}
