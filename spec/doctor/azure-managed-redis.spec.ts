import { expect } from 'chai';
import {
  DATABASE,
  MANAGED,
  OBJECT_ID,
  ResourceDiagnosis,
  SETTINGS,
  statuses,
} from './support/resource-diagnosis.js';

describe('diagnose: settings of Azure Managed Redis', () => {
  const azure = ResourceDiagnosis.forAll();

  function managed(properties: object, database: object, more: object = {}): void {
    azure.manager.resources.set(MANAGED, {
      id: MANAGED,
      name: 'cache1',
      type: 'Microsoft.Cache/redisEnterprise',
      kind: 'v2',
      location: 'West US',
      sku: { name: 'Balanced_B5' },
      properties: { provisioningState: 'Succeeded', resourceState: 'Running', ...properties },
      ...more,
    });
    azure.manager.resources.set(`${MANAGED}/databases`, {
      value: [
        {
          id: DATABASE,
          name: 'cache1/default',
          type: 'Microsoft.Cache/redisEnterprise/databases',
          properties: { port: 10000, provisioningState: 'Succeeded', ...database },
        },
      ],
    });
  }

  it('approves a hardened cache', async () => {
    managed(
      {
        hostName: 'cache1.westus.redis.azure.net',
        minimumTlsVersion: '1.2',
        publicNetworkAccess: 'Disabled',
        highAvailability: 'Enabled',
        redundancyMode: 'ZR',
        privateEndpointConnections: [
          {
            id: `${MANAGED}/privateEndpointConnections/cachePec`,
            properties: { privateLinkServiceConnectionState: { status: 'Approved' } },
          },
        ],
      },
      {
        accessKeysAuthentication: 'Disabled',
        clientProtocol: 'Encrypted',
        clusteringPolicy: 'OSSCluster',
        evictionPolicy: 'VolatileLRU',
      },
    );
    azure.manager.resources.set(`${DATABASE}/accessPolicyAssignments`, {
      value: [{ name: 'my-app', properties: { accessPolicyName: 'default', user: { objectId: OBJECT_ID } } }],
    });
    azure.manager.resources.set(`${MANAGED}${SETTINGS}`, { value: [] });
    azure.manager.resources.set(`${DATABASE}${SETTINGS}`, {
      value: [{ name: 'audit', properties: { logs: [{ category: 'ConnectionEvents', enabled: true }] } }],
    });
    const findings = await azure.diagnose(MANAGED);
    expect(statuses(findings)).to.deep.equal({
      'public-network': 'skipped',
      resource: 'ok',
      'public-network-access': 'ok',
      'private-endpoints': 'ok',
      'minimum-tls-version': 'ok',
      'zone-redundancy': 'ok',
      'non-tls-port': 'ok',
      'access-keys': 'ok',
      'clustering-policy': 'info',
      'eviction-policy': 'info',
      entra: 'ok',
      'firewall-rules': 'info',
      'access-policy': 'ok',
      'diagnostic-settings': 'ok',
    });
    expect(findings.one('posture', 'eviction-policy').message).to.include('volatile-lru');
    expect(findings.one('posture', 'clustering-policy').message).to.include('use a Cluster client');
  });

  it('gives severity, reason, remedy and command of each weakness', async () => {
    managed(
      { publicNetworkAccess: 'Enabled', highAvailability: 'Disabled' },
      { accessKeysAuthentication: 'Enabled', clientProtocol: 'Plaintext', evictionPolicy: 'NoEviction' },
    );
    azure.manager.resources.set(`${DATABASE}/accessPolicyAssignments`, { value: [] });
    azure.manager.resources.set(`${MANAGED}${SETTINGS}`, { value: [] });
    const findings = await azure.diagnose(MANAGED);
    const weaknesses = [
      ['public-network-access', 'medium', '--public-network-access Disabled'],
      ['minimum-tls-version', 'medium', '--minimum-tls-version 1.2'],
      ['zone-redundancy', 'medium', 'az redisenterprise show'],
      ['non-tls-port', 'high', '--client-protocol Encrypted'],
      ['access-keys', 'medium', '--access-keys-auth Disabled'],
      ['access-policy', 'high', `--object-id ${OBJECT_ID}`],
      ['diagnostic-settings', 'low', `--resource ${DATABASE} `],
    ] as const;
    for (const [check, severity, command] of weaknesses) {
      const finding = findings.one('posture', check);
      expect(finding.severity, check).to.equal(severity);
      expect(finding.command, check).to.include(command);
      expect(finding.why, check).to.be.a('string');
    }
    expect(findings.one('posture', 'eviction-policy').message).to.include('noeviction');
  });

  it('reports a private endpoint that waits for approval', async () => {
    managed(
      {
        publicNetworkAccess: 'Enabled',
        privateEndpointConnections: [
          {
            id: `${MANAGED}/x/pe1`,
            properties: { privateLinkServiceConnectionState: { status: 'Pending' } },
          },
        ],
      },
      {},
    );
    const finding = (await azure.diagnose(MANAGED)).one('posture', 'private-endpoints');
    expect(finding.message).to.equal('No private endpoint is approved: Pending.');
  });

  it('reports a cache that nobody can reach', async () => {
    managed({ publicNetworkAccess: 'Disabled' }, {});
    expect(
      (await azure.diagnose(`${MANAGED}/databases/default`)).one('posture', 'private-endpoints'),
    ).to.include({
      status: 'error',
      why: 'No client can connect.',
    });
  });
});
