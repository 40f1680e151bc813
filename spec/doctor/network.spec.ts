import { expect } from 'chai';
import { diagnose, type Finding } from '../../doctor/index.js';
import { BlackHole } from './support/black-hole.js';
import { DnsServer } from './support/dns-server.js';
import { findingsOf, withoutAuthority, type Findings } from './support/findings.js';
import { Servers } from './support/tls-servers.js';

const HOST = 'my-cache.westeurope.redis.azure.net';
const LINK = 'my-cache.westeurope.privatelink.redis.azure.net';
const ACCESS_KEY = 'an-access-key-of-the-spec';

describe('diagnose: name and network', () => {
  withoutAuthority();
  const servers = Servers.forEach();
  let dns: DnsServer;

  before(async () => {
    dns = await DnsServer.start({
      [HOST]: { alias: LINK },
      [LINK]: { addresses: ['192.0.2.1'] },
      'linked.redis.cache.windows.net': { alias: 'linked.privatelink.redis.cache.windows.net' },
      'linked.privatelink.redis.cache.windows.net': { addresses: ['127.0.0.1'] },
      'two.example.com': { addresses: ['127.0.0.1', '127.0.0.2'] },
    });
  });
  after(() => dns.stop());

  function diagnoseHost(host: string, port: number, timeout?: number): Promise<Findings> {
    return findingsOf({
      host,
      port,
      dnsServers: [dns.address],
      accessKey: ACCESS_KEY,
      ...(timeout !== undefined && { timeout }),
    });
  }

  it('names the DNS error of a host that does not exist, and tries nothing beyond it', async () => {
    const findings = await diagnoseHost('nowhere.westeurope.redis.azure.net', 10000);
    const { status, message, remedy, command } = findings.one('network', 'dns');
    expect(status).to.equal('error');
    expect(message).to.equal('nowhere.westeurope.redis.azure.net does not resolve: ENOTFOUND.');
    expect(remedy).to.include('Check the spelling');
    expect(command).to.equal('nslookup nowhere.westeurope.redis.azure.net');
    expect(findings.one('network', 'port').status).to.equal('skipped');
    expect(findings.one('login', 'auth').status).to.equal('skipped');
  });

  it('reports DNS servers that do not answer', async () => {
    const findings = await findingsOf({
      host: HOST,
      dnsServers: ['127.0.0.1:1'],
      accessKey: ACCESS_KEY,
      timeout: 3_000,
    });
    expect(findings.one('network', 'dns').message).to.match(/does not resolve: (ECONNREFUSED|ETIMEOUT)/);
  });

  it('reports misconfigured DNS where a privatelink name resolves to a public address', async () => {
    const findings: Finding[] = [];
    const controller = new AbortController();
    const diagnosis = diagnose({
      host: HOST,
      dnsServers: [dns.address],
      accessKey: ACCESS_KEY,
      signal: controller.signal,
      onFinding: (finding) => {
        findings.push(finding);
        // Before a connection to the public address is attempted.
        controller.abort();
      },
    });
    await diagnosis.catch(() => undefined);
    const { section, check, status, message = '', why, command } = findings[0] ?? {};
    expect({ section, check, status }).to.deep.equal({ section: 'network', check: 'dns', status: 'error' });
    expect(message).to.include(`192.0.2.1 (public), via ${LINK}`);
    expect(why).to.include('the private DNS zone privatelink.redis.azure.net');
    expect(command)
      .to.include('az network private-dns link vnet create')
      .and.include('privatelink.redis.azure.net');
  });

  it('accepts a privatelink name that resolves to a private address', async () => {
    const finding = (await diagnoseHost('linked.redis.cache.windows.net', 1)).one('network', 'dns');
    expect(finding.status).to.equal('ok');
    expect(finding.data).to.deep.equal({
      addresses: ['127.0.0.1'],
      aliases: ['linked.privatelink.redis.cache.windows.net'],
    });
  });

  it('tells a closed port from a wrong one, by the kind of cache', async () => {
    const { status, message, remedy, data } = (await diagnoseHost('linked.redis.cache.windows.net', 1)).one(
      'network',
      'port',
    );
    expect(status).to.equal('error');
    expect(message).to.equal('127.0.0.1:1 refuses connections: the port is closed (ECONNREFUSED).');
    expect(remedy).to.include('Use port 6380');
    expect(data).to.include({ outcome: 'closed' });
  });

  it('tells a port whose packets are dropped from a closed one', async () => {
    const hole = await BlackHole.open();
    try {
      const findings = await diagnoseHost('two.example.com', hole.port, 3_000);
      const dropped = findings.of('network', 'port').find(({ data }) => data?.['address'] === '127.0.0.1');
      expect(dropped?.status).to.equal('error');
      expect(dropped?.message).to.include('did not answer within 300 ms: the packets are dropped');
      expect(dropped?.remedy).to.match(/private endpoint.*firewall rules/);
      expect(dropped?.data).to.include({ outcome: 'dropped' });
    } finally {
      await hole.close();
    }
  });

  it('reports the address that answers, of several', async () => {
    const port = await servers.tcp((socket) => socket.destroy());
    const findings = await diagnoseHost('two.example.com', port);
    expect(findings.one('network', 'port').data).to.include({ address: '127.0.0.1', outcome: 'open' });
    expect(findings.one('network', 'port').data?.['connectTime']).to.be.greaterThan(0);
    expect(findings.one('network', 'dns').data?.['addresses']).to.deep.equal(['127.0.0.1', '127.0.0.2']);
  });
});
