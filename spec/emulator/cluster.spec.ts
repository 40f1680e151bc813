import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import {
  AzureRedisEmulator,
  type ClusterNode,
  type ClusterEmulator,
  type EmulatorCredential,
} from '../../emulator/index.js';
import { slotOf } from '../support/key-slots.js';
import { rejection } from '../support/rejection.js';
import { happens } from '../support/waiting.js';
import { tokenOf } from '../support/raw-cache.js';

describe('AzureRedisEmulator: a cluster', () => {
  let azure: AzureRedisEmulator;
  let cluster: ClusterEmulator;

  before(async () => {
    azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 } });
    ({ cluster } = azure);
  });

  after(() => azure.stop());

  /** A plain client of one node, which is told MOVED and ASK, and follows neither. */
  async function clientOf(
    { port }: { port: number },
    credential: EmulatorCredential = azure.options.credential,
  ): Promise<Redis> {
    const { host, tls } = azure.options;
    const login = { username: credential.oid, password: await tokenOf(credential) };
    // A reader may not run INFO.
    const settings = { enableReadyCheck: false, retryStrategy: null, lazyConnect: true };
    const client = new Redis({ host, port, tls, ...login, ...settings });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Runs what concerns one node on a connection of its own. */
  async function on<Result>(
    node: { port: number },
    use: (client: Redis) => Promise<Result>,
  ): Promise<Result> {
    const client = await clientOf(node);
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  /** What the server says against a command. */
  async function refusalOf(command: Promise<unknown>): Promise<string> {
    return command.then(
      () => 'nothing',
      (error: unknown) => (error as Error).message,
    );
  }

  async function masterAndOther(key: string): Promise<[ClusterNode, ClusterNode]> {
    const master = await cluster.masterOf(slotOf(key));
    const other = (await cluster.masters()).find((each) => each !== master);
    if (!other) throw new Error('there is only one master');
    return [master, other];
  }

  it('has the given number of masters and replicas, each on its own port', async () => {
    expect(cluster.nodes).to.have.lengthOf(6);
    expect(new Set([azure.port, ...cluster.nodes.map(({ port }) => port)]).size).to.equal(7);
    const masters = await cluster.masters();
    expect(masters).to.have.lengthOf(3);
    for (const master of masters) expect(await cluster.replicasOf(master)).to.have.lengthOf(1);
  });

  it('announces its nodes, including replicas, by IP address and port', async () => {
    const shards = await on(azure, (client) => client.cluster('SLOTS'));
    const announced = shards.flatMap(([, , ...nodes]) => nodes.map(([host, port]) => `${host}:${port}`));
    expect(announced).to.have.members(cluster.nodes.map(({ port }) => `127.0.0.1:${port}`));
  });

  it('has a certificate for the host name only, which is not valid for the address of a node', async () => {
    const [{ port } = { port: 0 }] = cluster.nodes;
    const expectsAddress = connectTls({ host: '127.0.0.1', port, ca: azure.ca });
    const [error] = (await once(expectsAddress, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');

    const expectsName = connectTls({ host: '127.0.0.1', port, ca: azure.ca, servername: azure.host });
    await once(expectsName, 'secureConnect');
    expectsName.destroy();
  });

  it('closes connections without TLS', async () => {
    const [{ port } = { port: 0 }] = cluster.nodes;
    for (const text of ['PING\r\n', '*1\r\n$4\r\nQUIT\r\n']) {
      const socket = connectTcp(port, '127.0.0.1');
      socket.write(text);
      socket.on('error', () => undefined);
      const answers: Buffer[] = [];
      socket.on('data', (answer: Buffer) => answers.push(answer));
      await once(socket, 'close');
      expect(answers).to.deep.equal([]);
    }
  });

  it('answers MOVED for a slot of another node, and moves slots with their keys', async () => {
    const [from, to] = await masterAndOther('shop');
    await on(from, (client) => client.set('shop', 'open'));
    await cluster.moveSlots([slotOf('shop')], to);
    const refusal = await refusalOf(on(from, (client) => client.get('shop')));
    expect(refusal).to.equal(`MOVED ${slotOf('shop')} 127.0.0.1:${to.port}`);
    expect(await on(to, (client) => client.get('shop'))).to.equal('open');
    expect(await cluster.masterOf(slotOf('shop'))).to.equal(to);
  });

  it('answers ASK for moved keys of a migrating slot', async () => {
    const [from, to] = await masterAndOther('news');
    await on(from, (client) => client.mset({ '{news}1': 'one', '{news}2': 'two' }));
    const slot = slotOf('news');
    const migration = await cluster.migrate(slot, to);
    expect(await migration.moveKeys(1)).to.equal(1);
    const answers = await Promise.allSettled(
      ['{news}1', '{news}2'].map((key) => on(from, (client) => client.get(key))),
    );
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as Error).message)).to.deep.equal([
      `ASK ${slot} 127.0.0.1:${to.port}`,
    ]);
    await migration.finish();
    expect(await on(to, (client) => client.mget('{news}1', '{news}2'))).to.deep.equal(['one', 'two']);
  });

  it('fails over to a replica, which has the slots and keys; connections stay open', async () => {
    const [master] = await masterAndOther('stock');
    const client = await clientOf(master);
    await client.set('stock', '7');
    const successor = await cluster.failover(master);
    expect(await refusalOf(client.get('stock'))).to.match(/^MOVED /);
    expect(await on(successor, (other) => other.get('stock'))).to.equal('7');
    expect(await cluster.replicasOf(successor)).to.deep.equal([master]);
    expect(client.status).to.equal('ready');
    const closed = happens(client, 'close');
    expect(master.dropConnections()).to.be.at.least(1);
    await closed;
  });

  it('adds a node with the same access for each identity, removes it, and moves its slots to the others', async () => {
    const [master] = await masterAndOther('guest');
    await on(master, (client) => client.set('guest', 'here'));
    const node = await cluster.addNode();
    const credential = azure.credential({ role: 'Data Reader' });
    for (const { port } of cluster.nodes) {
      const reader = await clientOf({ port }, credential);
      expect(await refusalOf(reader.set('key', 'value'))).to.match(/^NOPERM/);
      reader.disconnect();
    }
    const replica = await cluster.addNode({ replicaOf: node });
    await cluster.moveSlots([slotOf('guest')], node);
    expect(await cluster.replicasOf(node)).to.deep.equal([replica]);
    const client = await clientOf(node);
    expect(await client.get('guest')).to.equal('here');

    const closed = happens(client, 'close');
    await cluster.removeNode(replica);
    await cluster.removeNode(node);
    await closed;
    expect(cluster.nodes).to.have.lengthOf(6);
    expect(await on(await cluster.masterOf(slotOf('guest')), (other) => other.get('guest'))).to.equal('here');
  });

  it('closes a connection to any node when its token expires', async () => {
    const [node] = cluster.nodes;
    if (!node) throw new Error('there is no node');
    const credential = azure.credential({ tokenLifetime: 300 });
    const client = await clientOf(node, credential);
    await happens(client, 'close');
    expect(azure.statistics.evictions.at(-1)?.user).to.equal(credential.oid);
  });

  it('has database 0 only', async () => {
    const refusal = await refusalOf(on(azure, (client) => client.select(1)));
    expect(refusal).to.equal('ERR DB index is out of range');
  });

  it('rejects impossible changes', async () => {
    const [master] = await cluster.masters();
    const [replica] = master ? await cluster.replicasOf(master) : [];
    if (!master || !replica) throw new Error('there is no replica');
    const stranger: ClusterNode = {} as never;
    for (const refused of [
      () => cluster.failover(replica),
      () => cluster.failover(stranger),
      () => cluster.removeNode(stranger),
      () => cluster.addNode({ replicaOf: stranger }),
      () => cluster.migrate(0, stranger),
      () => cluster.moveSlots([16_384], master),
      () => cluster.masterOf(-1),
    ]) {
      expect(await rejection(refused()), String(refused)).to.have.property('code', 'INVALID_OPTION');
    }
  });
});
