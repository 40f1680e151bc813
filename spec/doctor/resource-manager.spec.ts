import { expect } from 'chai';
import { CACHE, MANAGED, ResourceDiagnosis } from './support/resource-diagnosis.js';

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
    const signedOut = { getToken: () => Promise.reject(new Error('not signed in, eyJh.secret.token')) };
    const finding = (await azure.diagnose(CACHE, { managementCredential: signedOut })).one(
      'posture',
      'resource',
    );
    expect(finding.status).to.equal('warning');
    expect(finding.message).to.include('not signed in, <token>');
  });

  it('reports that it cannot be reached', async () => {
    const finding = (await azure.diagnose(CACHE, { managementEndpoint: 'https://localhost:1' })).one(
      'posture',
      'resource',
    );
    expect(finding.message).to.include('does not answer').and.include('ECONNREFUSED');
  });
});
