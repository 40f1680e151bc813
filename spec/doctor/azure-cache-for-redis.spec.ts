import { expect } from 'chai';
import { CACHE, OBJECT_ID, ResourceDiagnosis, SETTINGS, statuses } from './support/resource-diagnosis.js';

describe('diagnose: settings of Azure Cache for Redis', () => {
  const azure = ResourceDiagnosis.forAll();

  function cache(properties: object, more: object = {}): void {
    azure.manager.resources.set(CACHE, {
      id: CACHE,
      name: 'cache1',
      type: 'Microsoft.Cache/Redis',
      location: 'East US',
      tags: {},
      properties: {
        provisioningState: 'Succeeded',
        redisVersion: '6.0',
        sku: { name: 'Premium', family: 'P', capacity: 1 },
        hostName: 'cache1.redis.cache.windows.net',
        port: 6379,
        sslPort: 6380,
        ...properties,
      },
      ...more,
    });
  }
  function list(path: string, value: readonly object[]): void {
    azure.manager.resources.set(`${CACHE}${path}`, { value });
  }

  it('approves a hardened cache', async () => {
    cache(
      {
        enableNonSslPort: false,
        minimumTlsVersion: '1.2',
        publicNetworkAccess: 'Disabled',
        disableAccessKeyAuthentication: true,
        redisConfiguration: { 'aad-enabled': 'True', 'maxmemory-policy': 'allkeys-lru' },
        privateEndpointConnections: [
          {
            id: `${CACHE}/privateEndpointConnections/cachePec`,
            properties: {
              privateLinkServiceConnectionState: { status: 'Approved', actionsRequired: 'None' },
            },
          },
        ],
      },
      { zones: ['1', '2', '3'] },
    );
    list('/firewallRules', []);
    list('/accessPolicyAssignments', [
      {
        name: 'my-app',
        properties: { objectId: OBJECT_ID, objectIdAlias: 'my-app', accessPolicyName: 'Data Contributor' },
      },
    ]);
    list(SETTINGS, [
      {
        name: 'to-workspace',
        properties: { workspaceId: '/w', logs: [{ categoryGroup: 'allLogs', enabled: true }] },
      },
    ]);
    const findings = await azure.diagnose(CACHE);
    const { resource, entra, 'access-policy': policy, ...others } = statuses(findings);
    expect({ resource, entra, policy }).to.deep.equal({ resource: 'ok', entra: 'ok', policy: 'ok' });
    expect(others).to.deep.equal({
      'public-network': 'skipped',
      'public-network-access': 'ok',
      'private-endpoints': 'ok',
      'non-tls-port': 'ok',
      'minimum-tls-version': 'ok',
      'access-keys': 'ok',
      'firewall-rules': 'ok',
      'zone-redundancy': 'ok',
      'eviction-policy': 'info',
      'diagnostic-settings': 'ok',
    });
    expect(findings.one('posture', 'eviction-policy').message).to.include('allkeys-lru');
    expect(azure.manager.scopes).to.deep.equal([`${azure.manager.endpoint}/.default`]);
  });

  it('gives severity, reason, remedy and command of each weakness', async () => {
    cache({
      enableNonSslPort: true,
      minimumTlsVersion: '1.0',
      publicNetworkAccess: 'Enabled',
      redisConfiguration: {},
    });
    list('/firewallRules', []);
    list('/accessPolicyAssignments', []);
    list(SETTINGS, []);
    const findings = await azure.diagnose(CACHE);
    const weaknesses = [
      ['public-network-access', 'medium', 'publicNetworkAccess=Disabled'],
      ['non-tls-port', 'high', 'enableNonSslPort=false'],
      ['minimum-tls-version', 'medium', 'minimumTlsVersion=1.2'],
      ['entra', 'high', 'redisConfiguration.aadEnabled=true'],
      ['access-keys', 'medium', '--disable-access-keys true'],
      ['zone-redundancy', 'low', 'az redis show'],
      ['access-policy', 'high', `--object-id ${OBJECT_ID}`],
      ['diagnostic-settings', 'low', `--resource ${CACHE} `],
    ] as const;
    for (const [check, severity, command] of weaknesses) {
      const finding = findings.one('posture', check);
      expect(finding.status, check).to.match(/warning|error/);
      expect(finding.severity, check).to.equal(severity);
      expect(finding.command, check).to.include(command);
      expect(finding.why, check).to.be.a('string');
      expect(finding.remedy, check).to.be.a('string');
    }
    expect(findings.one('posture', 'firewall-rules').status).to.equal('warning');
    expect(findings.one('posture', 'eviction-policy').message).to.include('volatile-lru');
    expect(findings.one('posture', 'entra').command).to.include('--resource-group rg1 --name cache1');
  });

  it('lists firewall rules, and sees one that allows everything', async () => {
    cache({ redisConfiguration: { 'aad-enabled': 'true' } });
    const rule = (startIP: string, endIP: string) => ({
      name: 'cache1/rule',
      properties: { startIP, endIP },
    });
    list('/firewallRules', [rule('192.0.2.1', '192.0.2.9')]);
    expect((await azure.diagnose(CACHE)).one('posture', 'firewall-rules')).to.include({
      status: 'ok',
      message: 'Firewall rules allow 192.0.2.1–192.0.2.9.',
    });
    list('/firewallRules', [rule('0.0.0.0', '255.255.255.255')]);
    expect((await azure.diagnose(CACHE)).one('posture', 'firewall-rules').status).to.equal('warning');
  });

  it('reads what the identity may read, and skips the rest', async () => {
    cache({ redisConfiguration: { 'aad-enabled': 'true' } });
    for (const path of ['/firewallRules', '/accessPolicyAssignments', SETTINGS])
      azure.manager.forbidden.add(`${CACHE}${path}`);
    const found = statuses(await azure.diagnose(CACHE));
    expect(found).to.include({ entra: 'ok', 'firewall-rules': 'skipped', 'access-policy': 'skipped' });
    expect(found['diagnostic-settings']).to.equal('skipped');
  });
});
