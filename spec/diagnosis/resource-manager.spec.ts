import { expect } from 'chai';
import type { DiagnoseOptions, Finding } from '../../lib/index.js';
import { findingsOf, NOWHERE, withoutAuthority, type Findings } from './support/findings.js';
import { ResourceManager } from './support/resource-manager.js';

const GROUP =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Cache';
const CACHE = `${GROUP}/redis/cache1`;
const MANAGED = `${GROUP}/redisEnterprise/cache1`;
const DATABASE = `${MANAGED}/databases/default`;
const SETTINGS = '/providers/Microsoft.Insights/diagnosticSettings';
const OBJECT_ID = 'd914b123-4f5c-4b8f-9c1a-7f5ce2d4c111';

describe('diagnose: settings of Azure Resource Manager', () => {
  withoutAuthority();
  let manager: ResourceManager;

  before(async () => {
    manager = await ResourceManager.start();
  });
  after(() => manager.stop());
  beforeEach(() => {
    manager.resources.clear();
    manager.forbidden.clear();
    manager.scopes.length = 0;
  });

  function diagnoseResource(resourceId: string, more: Partial<DiagnoseOptions> = {}): Promise<Findings> {
    const { endpoint, credential, token } = manager;
    // An unsigned token of the cache's identity: nothing takes it here.
    const claims = Buffer.from(JSON.stringify({ oid: OBJECT_ID, aud: 'https://redis.azure.com' })).toString(
      'base64url',
    );
    const identity = {
      getToken: () =>
        Promise.resolve({ token: `e30.${claims}.e30`, expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    return findingsOf(
      {
        ...NOWHERE,
        credential: identity,
        resourceId,
        managementEndpoint: endpoint,
        managementCredential: credential,
        ...more,
      },
      [token],
    );
  }

  function statuses(findings: Findings): Record<string, Finding['status']> {
    return Object.fromEntries(findings.of('posture').map(({ check, status }) => [check, status]));
  }

  describe('of Azure Cache for Redis', () => {
    function cache(properties: object, more: object = {}): void {
      manager.resources.set(CACHE, {
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
      manager.resources.set(`${CACHE}${path}`, { value });
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
      const findings = await diagnoseResource(CACHE);
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
      expect(manager.scopes).to.deep.equal([`${manager.endpoint}/.default`]);
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
      const findings = await diagnoseResource(CACHE);
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
      expect((await diagnoseResource(CACHE)).one('posture', 'firewall-rules')).to.include({
        status: 'ok',
        message: 'Firewall rules allow 192.0.2.1–192.0.2.9.',
      });
      list('/firewallRules', [rule('0.0.0.0', '255.255.255.255')]);
      expect((await diagnoseResource(CACHE)).one('posture', 'firewall-rules').status).to.equal('warning');
    });

    it('reads what the identity may read, and skips the rest', async () => {
      cache({ redisConfiguration: { 'aad-enabled': 'true' } });
      for (const path of ['/firewallRules', '/accessPolicyAssignments', SETTINGS])
        manager.forbidden.add(`${CACHE}${path}`);
      const found = statuses(await diagnoseResource(CACHE));
      expect(found).to.include({ entra: 'ok', 'firewall-rules': 'skipped', 'access-policy': 'skipped' });
      expect(found['diagnostic-settings']).to.equal('skipped');
    });
  });

  describe('of Azure Managed Redis', () => {
    function managed(properties: object, database: object, more: object = {}): void {
      manager.resources.set(MANAGED, {
        id: MANAGED,
        name: 'cache1',
        type: 'Microsoft.Cache/redisEnterprise',
        kind: 'v2',
        location: 'West US',
        sku: { name: 'Balanced_B5' },
        properties: { provisioningState: 'Succeeded', resourceState: 'Running', ...properties },
        ...more,
      });
      manager.resources.set(`${MANAGED}/databases`, {
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
      manager.resources.set(`${DATABASE}/accessPolicyAssignments`, {
        value: [
          { name: 'my-app', properties: { accessPolicyName: 'default', user: { objectId: OBJECT_ID } } },
        ],
      });
      manager.resources.set(`${MANAGED}${SETTINGS}`, { value: [] });
      manager.resources.set(`${DATABASE}${SETTINGS}`, {
        value: [{ name: 'audit', properties: { logs: [{ category: 'ConnectionEvents', enabled: true }] } }],
      });
      const findings = await diagnoseResource(MANAGED);
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
      manager.resources.set(`${DATABASE}/accessPolicyAssignments`, { value: [] });
      manager.resources.set(`${MANAGED}${SETTINGS}`, { value: [] });
      const findings = await diagnoseResource(MANAGED);
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
      const finding = (await diagnoseResource(MANAGED)).one('posture', 'private-endpoints');
      expect(finding.message).to.equal('No private endpoint is approved: Pending.');
    });

    it('reports a cache that nobody can reach', async () => {
      managed({ publicNetworkAccess: 'Disabled' }, {});
      expect(
        (await diagnoseResource(`${MANAGED}/databases/default`)).one('posture', 'private-endpoints'),
      ).to.include({
        status: 'error',
        why: 'No client can connect.',
      });
    });
  });

  describe('that cannot be read', () => {
    it('names a resource that does not exist', async () => {
      const finding = (await diagnoseResource(MANAGED)).one('posture', 'resource');
      expect(finding.status).to.equal('error');
      expect(finding.message).to.include('404 ResourceNotFound');
      expect(finding.command).to.equal(`az resource show --ids ${MANAGED}`);
    });

    it('names the role that the identity lacks', async () => {
      manager.forbidden.add(CACHE);
      const finding = (await diagnoseResource(CACHE)).one('posture', 'resource');
      expect(finding.status).to.equal('warning');
      expect(finding.message).to.include('403 AuthorizationFailed');
      expect(finding.command).to.include('az role assignment create --role Reader').and.include(CACHE);
    });

    it('names a sign-in that is refused', async () => {
      const stranger = {
        getToken: () =>
          Promise.resolve({ token: 'eyJh.wrong.token', expiresOnTimestamp: Date.now() + 3_600_000 }),
      };
      const finding = (await diagnoseResource(CACHE, { managementCredential: stranger })).one(
        'posture',
        'resource',
      );
      expect(finding.message).to.include('401 InvalidAuthenticationToken');
      expect(finding.command).to.equal('az login');
    });

    it('names a sign-in that gives no token', async () => {
      const signedOut = { getToken: () => Promise.reject(new Error('not signed in, eyJh.secret.token')) };
      const finding = (await diagnoseResource(CACHE, { managementCredential: signedOut })).one(
        'posture',
        'resource',
      );
      expect(finding.status).to.equal('warning');
      expect(finding.message).to.include('not signed in, <token>');
    });

    it('reports that it cannot be reached', async () => {
      const finding = (await diagnoseResource(CACHE, { managementEndpoint: 'https://localhost:1' })).one(
        'posture',
        'resource',
      );
      expect(finding.message).to.include('does not answer').and.include('ECONNREFUSED');
    });
  });
});
