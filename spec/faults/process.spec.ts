import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';
import { RemoteProcess } from '../support/remote-process.js';
import { areRenewed, nextWhere, past, until } from '../support/waiting.js';
import type { WorkerSettings } from '../support/worker-client.js';

const HOUR = 3_600_000;
const LIFETIME = 5_000;

describe('a process', () => {
  const cache = Cache.forEach({ tokenLifetime: LIFETIME });

  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  function oneOf(variants: readonly Variant[], index: number): Variant {
    const variant = variants[index % variants.length];
    if (!variant) throw new Error('no variant');
    return variant;
  }

  /** When the connection of a process will be closed, unless it logs in again. */
  function expiryOf({ oid }: RemoteProcess): Date {
    const connection = cache.azure.statistics.open.find(({ user }) => user === oid);
    return connection?.expiresOn ?? new Date(0);
  }

  it('that is suspended and resumes before its token expires keeps its connection', async () => {
    await Promise.all(
      VARIANTS.map(async (variant) => {
        const remote = await RemoteProcess.start(cache.azure, variant);
        const reauthenticated = remote.reauthenticated();
        remote.suspend();
        await past(new Date(expiryOf(remote).getTime() - LIFETIME * 0.6));
        remote.resume();
        await reauthenticated;
        expect(await remote.count()).to.be.within(1, VARIANTS.length);
        expect(await remote.end()).to.equal(0);
      }),
    );
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.connections).to.have.length(VARIANTS.length);
  });

  it('that is suspended and resumes at the expiry or long after it logs in again and runs its commands', async () => {
    await Promise.all(
      [0, 0, 0, LIFETIME].map(async (delay, index) => {
        const remote = await RemoteProcess.start(cache.azure, oneOf(VARIANTS, index));
        remote.suspend();
        await past(new Date(expiryOf(remote).getTime() + delay));
        const counted = remote.count();
        remote.resume();
        expect(await counted).to.be.within(1, 4);
        expect(await remote.end()).to.equal(0);
      }),
    );
    expect(await cache.azure.server.call('GET', 'counter')).to.equal('4');
  });

  it('whose event loop is blocked beyond the expiry logs in again and runs its commands', async () => {
    await Promise.all(
      VARIANTS.map(async (variant) => {
        const remote = await RemoteProcess.start(cache.azure, variant);
        remote.block(LIFETIME + 500);
        expect(await remote.count()).to.be.within(1, VARIANTS.length);
        expect(await remote.end()).to.equal(0);
      }),
    );
    expect(await cache.azure.server.call('GET', 'counter')).to.equal(String(VARIANTS.length));
  });

  it('whose clock is wrong, or is set forward or back, keeps its connection across token expiries', async () => {
    const clocks = [
      { atFirst: 0, then: HOUR },
      { atFirst: 0, then: -HOUR },
      { atFirst: HOUR, then: HOUR },
      { atFirst: -HOUR, then: -HOUR },
    ];
    await Promise.all(
      clocks.map(async ({ atFirst, then }, index) => {
        const remote = await RemoteProcess.start(cache.azure, oneOf(VARIANTS, index), atFirst);
        const first = expiryOf(remote);
        remote.setClock(then);
        for (let token = 0; token < 2; token += 1) await remote.reauthenticated();
        await past(first);
        expect(await remote.count()).to.be.within(1, clocks.length);
        expect(await remote.end()).to.equal(0);
      }),
    );
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.connections).to.have.length(clocks.length);
  });

  it('may have worker threads, each with its own clients, which may end during a token request', async () => {
    const workers = [0, 1].map(() => startWorker());
    await Promise.all(
      workers.map((worker) => nextWhere(worker, 'message', (message) => message === 'ready')),
    );
    const [first, second] = workers;
    if (!first || !second) throw new Error('no worker');
    await nextWhere(first, 'message', (message) => message === 'token');
    await first.terminate();
    for (let token = 0; token < 2; token += 1)
      await nextWhere(second, 'message', (message) => message === 'reauthenticated');
    await until(() => cache.azure.statistics.open.length === 1);
    await second.terminate();
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });

  function startWorker(): Worker {
    const { host, port, ca } = cache.azure;
    const workerData: WorkerSettings = { host, port, ca };
    const module = JSON.stringify(new URL('../support/worker-client.ts', import.meta.url));
    const start = `import('tsx/esm/api').then(({ register }) => { register(); return import(${module}); });`;
    const worker = new Worker(start, { eval: true, workerData });
    const credential = cache.azure.credential();
    worker.on('message', (message) => {
      if (message !== 'token') return;
      void credential.getToken('https://redis.azure.com/.default').then((token) => {
        worker.postMessage(token);
      });
    });
    return worker;
  }
});

describe('hundreds of clients on one authenticator', () => {
  const cache = Cache.forAll();

  it('share every token, and are all re-authenticated with the newest one', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 30_000 });
    const options = await cache.configure({ credential, expirationRefreshRatio: 0.5 });
    const clients = Array.from({ length: 300 }, (_, index) => {
      const variant = VARIANTS[index % VARIANTS.length];
      if (!variant) throw new Error('no variant');
      return cache.client(variant, { ...options, protocol: variant.protocol, connectTimeout: 30_000 });
    });
    await Promise.all(clients.map((client) => client.ping()));
    const { authenticator } = options;
    let refreshes = 0;
    authenticator.on('tokenRefreshed', () => (refreshes += 1));
    const before = cache.azure.statistics.tokenRequests.length;
    const renewed = nextWhere(authenticator, 'reauthenticated', () => areRenewed(authenticator));
    await authenticator.refresh();
    await renewed;
    expect(cache.azure.statistics.tokenRequests.length - before).to.equal(refreshes);
    expect(authenticator.connections).to.have.length(clients.length);
    expect(cache.azure.statistics.connections).to.have.length(clients.length);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
