import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Cluster, Redis } from 'ioredis';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { configureForAzure, Multiplexer, type AzureRedisError } from '../../lib/index.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { rejection } from '../support/rejection.js';
import { until } from '../support/waiting.js';
import { recorder } from './support/multiplexers.js';

/** What the shortest program does. */
async function use(multiplexer: Multiplexer): Promise<void> {
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  await Promise.all(keys.map((key) => multiplexer.interactive.set(key, key)));
  expect(await Promise.all(keys.map((key) => multiplexer.interactive.get(key)))).to.deep.equal(keys);
  const { calls, listener } = recorder();
  await multiplexer.subscribe('news', listener);
  await multiplexer.publish('news', 'hello');
  await until(() => calls.length === 1);
}

describe('Multiplexer.connect() to a cache that is no cluster', () => {
  let azure: AzureRedisEmulator;

  before(async () => {
    azure = await AzureRedisEmulator.start();
  });

  after(() => azure.stop());

  it('finds out, and uses the connection that has asked', async () => {
    await using multiplexer = await Multiplexer.connect(azure.options);
    expect(multiplexer.isCluster).to.equal(false);
    expect(multiplexer.interactive).to.be.instanceOf(Redis);
    // The interactive one and the subscriber.
    expect(azure.statistics.connections.length).to.equal(2);
    await use(multiplexer);
  });

  it('does not ask if it is told', async () => {
    const slots = async (): Promise<string | undefined> =>
      /cmdstat_cluster\|slots:calls=(\d+)/.exec(String(await azure.server.call('INFO', 'commandstats')))?.[1];
    const asked = await slots();
    await using multiplexer = await Multiplexer.connect({ ...azure.options, cluster: false });
    expect(multiplexer.isCluster).to.equal(false);
    expect(await slots()).to.equal(asked);
  });

  it('works for a role that may not ask', async () => {
    const credential = azure.credential();
    await azure.server.call('ACL', 'SETUSER', credential.oid, '-cluster', '-info');
    const { host, port, tls } = azure.options;
    await using multiplexer = await Multiplexer.connect({ host, port, tls, credential });
    expect(multiplexer.isCluster).to.equal(false);
    await use(multiplexer);
  });

  for (const cluster of [true, {}]) {
    it(`rejects \`cluster: ${JSON.stringify(cluster)}\`, and leaves nothing behind`, async () => {
      const error = await rejection(Multiplexer.connect({ ...azure.options, cluster }));
      expect(error.code).to.equal('CLUSTER_MODE_DISABLED');
      expect(error.hint).to.contain('without `cluster`');
      await until(() => azure.statistics.open.length === 0);
    });
  }
});

describe('Multiplexer.connect() to a cluster', () => {
  let azure: AzureRedisEmulator;

  before(async () => {
    azure = await AzureRedisEmulator.start({ cluster: { masters: 3 } });
  });

  after(() => azure.stop());

  it('finds out, and leaves no connection of the question behind', async () => {
    await using multiplexer = await Multiplexer.connect(azure.options);
    expect(multiplexer.isCluster).to.equal(true);
    expect(multiplexer.interactive).to.be.instanceOf(Cluster);
    await use(multiplexer);
    expect(multiplexer.authenticator.connections.map(({ status }) => status)).not.to.include('end');
    await multiplexer.close();
    await until(() => azure.statistics.open.length === 0);
  });

  it('accepts the options of configureForAzure()', async () => {
    const options = await configureForAzure(azure.options);
    await using multiplexer = await Multiplexer.connect(options);
    expect(multiplexer.isCluster).to.equal(true);
    expect(multiplexer.authenticator).to.equal(options.authenticator);
    await use(multiplexer);
  });

  it('takes `true` for the default options', async () => {
    await using multiplexer = await Multiplexer.connect({ ...azure.options, cluster: true });
    await use(multiplexer);
  });

  it('tells a role without CLUSTER SLOTS that it needs it', async () => {
    const credential = azure.credential();
    for (const { server } of await azure.cluster.masters()) {
      await server.call('ACL', 'SETUSER', credential.oid, '-cluster');
    }
    const { host, port, tls } = azure.options;
    const error = await rejection(
      Multiplexer.connect({ host, port, tls, credential, retryStrategy: () => 1 }),
    );
    expect(error.code).to.equal('NOPERM');
    expect(error.message).to.contain('cluster|slots');
    await until(() => azure.statistics.open.length === 0);
  });
});

describe('a cache that becomes a cluster', () => {
  it('is reported by the multiplexer that has found it to be none', async () => {
    const single = await RedisOnTcp.start();
    const { host, port, password } = single;
    const multiplexer = await Multiplexer.connect({ host, port, tls: false, accessKey: password });
    expect(multiplexer.isCluster).to.equal(false);
    const errors: AzureRedisError[] = [];
    multiplexer.on('error', (error) => errors.push(error));
    await single.stop();
    const state = join(tmpdir(), `ioredis-azure-${randomUUID()}.conf`);
    const args = ['--cluster-enabled', 'yes', '--cluster-config-file', state];
    const cluster = await RedisOnTcp.start(password, { port, args });
    const admin = new Redis({ host, port, password });
    try {
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      const isReported = (): boolean => errors.some(({ code }) => code === 'CLUSTER_CLIENT_REQUIRED');
      await until(async () => {
        // It may have reconnected before the slots were there.
        if (!isReported()) await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
        return isReported();
      });
      const error = errors.find(({ code }) => code === 'CLUSTER_CLIENT_REQUIRED');
      expect(error?.hint).to.contain('Multiplexer.connect() without `cluster`');
    } finally {
      admin.disconnect();
      await multiplexer.close();
      await cluster.stop();
      await rm(state);
    }
  });
});
