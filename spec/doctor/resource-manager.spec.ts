import { globalAgent } from 'node:https';
import { expect } from 'chai';
import { distrust, trust } from '../../emulator/entra/trust.js';
import { CACHE, MANAGED, ResourceDiagnosis } from './support/resource-diagnosis.js';

const RULES = `${CACHE}/firewallRules?api-version=2024-11-01`;

describe('diagnose: settings that cannot be read', () => {
  const azure = ResourceDiagnosis.forAll();

  it('names a resource that does not exist', async () => {
    const finding = (await azure.diagnose(MANAGED)).one('posture', 'resource');
    expect(finding.status).to.equal('error');
    expect(finding.message).to.include('404 ResourceNotFound');
    expect(finding.command).to.equal(`az resource show --ids ${MANAGED}`);
  });

  it('names the role that the identity lacks', async () => {
    azure.manager.forbidden.add(CACHE);
    const finding = (await azure.diagnose(CACHE)).one('posture', 'resource');
    expect(finding.status).to.equal('warning');
    expect(finding.message).to.include('403 AuthorizationFailed');
    expect(finding.command).to.include('az role assignment create --role Reader').and.include(CACHE);
  });

  it('names a sign-in that is refused', async () => {
    const stranger = {
      getToken: () =>
        Promise.resolve({ token: 'eyJh.wrong.token', expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    const finding = (await azure.diagnose(CACHE, { managementCredential: stranger })).one(
      'posture',
      'resource',
    );
    expect(finding.message).to.include('401 InvalidAuthenticationToken');
    expect(finding.command).to.equal('az login');
  });

  it('names a sign-in that gives no token', async () => {
    const signedOut = {
      getToken: () => Promise.reject(new Error('not signed in, eyJh.secret.token, key=hunter2')),
    };
    const finding = (await azure.diagnose(CACHE, { managementCredential: signedOut })).one(
      'posture',
      'resource',
    );
    expect(finding.status).to.equal('warning');
    expect(finding.message).to.include('not signed in, <token>, key=<hidden>');
  });

  const links = [
    {
      name: 'leads back to itself',
      link: () => `${azure.manager.endpoint}${RULES}`,
      message: 'has more than 20 pages',
    },
    { name: 'is no URL', link: () => 'page-2', message: 'does not lead to Azure Resource Manager' },
    {
      name: 'leads elsewhere',
      link: () => 'https://example.com/',
      message: 'does not lead to Azure Resource Manager',
    },
  ];
  for (const { name, link, message } of links) {
    it(`reports a next page whose link ${name}`, async () => {
      azure.manager.resources.set(CACHE, { properties: {} });
      azure.manager.resources.set(`${CACHE}/firewallRules`, { value: [], nextLink: link() });
      const finding = (await azure.diagnose(CACHE)).one('posture', 'resource');
      expect(finding.status).to.equal('warning');
      expect(finding.message).to.include(message);
    });
  }

  describe('of a server that is not verified', () => {
    beforeEach(() => {
      distrust(azure.manager.ca);
    });
    afterEach(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      delete globalAgent.options.rejectUnauthorized;
      trust(azure.manager.ca);
    });

    async function expectNothingSent(): Promise<void> {
      const before = azure.manager.requests;
      const finding = (await azure.diagnose(CACHE)).one('posture', 'resource');
      expect(finding.message).to.include('does not answer');
      expect(azure.manager.requests).to.equal(before);
    }

    it('sends it nothing, even if NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      await expectNothingSent();
    });

    it('sends it nothing, even if the global agent of Node.js does not verify servers', async () => {
      globalAgent.options.rejectUnauthorized = false;
      await expectNothingSent();
    });
  });

  it('reports that it cannot be reached', async () => {
    const finding = (await azure.diagnose(CACHE, { managementEndpoint: 'https://localhost:1' })).one(
      'posture',
      'resource',
    );
    expect(finding.message).to.include('does not answer').and.include('ECONNREFUSED');
  });
});
