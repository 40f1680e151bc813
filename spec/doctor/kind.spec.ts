import { expect } from 'chai';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { findingsOf, withoutAuthority } from './support/findings.js';

describe('diagnose: kind of cache', () => {
  withoutAuthority();
  let azure: AzureRedisEmulator;

  before(async () => {
    azure = await AzureRedisEmulator.start({ product: 'managed', cluster: { masters: 3, replicas: 1 } });
  });
  after(() => azure.stop());

  it('reaches, verifies and logs in to every node of a cluster, and counts the slots', async () => {
    const findings = await findingsOf(azure.options);
    expect(findings.errors).to.deep.equal([]);
    expect(findings.one('kind', 'kind').data).to.include({ isCluster: true });
    const nodes = findings.of('kind', 'node');
    expect(nodes.map(({ data }) => data?.['node'])).to.have.members(
      azure.cluster.nodes.map(({ port }) => `127.0.0.1:${port}`),
    );
    expect(nodes.map(({ status }) => status)).to.deep.equal(Array(6).fill('ok'));
    expect(nodes.filter(({ data }) => data?.['role'] === 'master')).to.have.length(3);
    expect(findings.one('kind', 'slots').data).to.deep.equal({ covered: 16_384 });
  });

  it('gives the client and its options as a snippet', async () => {
    const { snippet } = (await findingsOf(azure.options)).one('kind', 'kind');
    expect(snippet).to.equal(
      `const cluster = new Cluster(...(await configureClusterForAzure({ host: 'localhost', port: ${azure.port}, tls: { ca }, credential })));`,
    );
  });

  it('leaves nothing behind on any node', async () => {
    await findingsOf(azure.options);
    const sizes = await Promise.all(azure.cluster.nodes.map(({ server }) => server.call('DBSIZE')));
    expect(sizes).to.deep.equal(Array(6).fill(0));
  });

  it('reports a role that may not read the topology, which a Cluster needs', async () => {
    const credential = azure.credential();
    await findingsOf({ ...azure.options, credential });
    for (const { server } of azure.cluster.nodes)
      await server.call('ACL', 'SETUSER', credential.oid, '-cluster');
    const { message, status } = (await findingsOf({ ...azure.options, credential })).one('kind', 'kind');
    expect(status).to.equal('error');
    expect(message)
      .to.include('A cluster')
      .and.to.include('the role does not permit to list (CLUSTER SLOTS)');
  });

  it('names the node that is down', async () => {
    const masters = await azure.cluster.masters();
    const node = masters.at(-1);
    const port = node?.port ?? 0;
    await node?.endpoint.close();
    const findings = await findingsOf(azure.options);
    const down = findings.of('kind', 'node').filter(({ status }) => status === 'error');
    expect(down).to.have.length(1);
    expect(down[0]?.message)
      .to.include(`The master 127.0.0.1:${port} cannot be used`)
      .and.include('ECONNREFUSED');
    expect(down[0]?.severity).to.equal('high');
  });
});
