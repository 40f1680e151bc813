import { expect } from 'chai';
import { modulesLoadedBy } from '../support/loaded-modules.js';

describe('the identity libraries', () => {
  const identities = [
    "import { defaultCredential } from '../../lib/identities/default-credential.ts';",
    "import { managedIdentityCredential } from '../../lib/identities/managed-identity.ts';",
    "import { servicePrincipalCredential } from '../../lib/identities/service-principal.ts';",
    "import { AuthorizationCodeFlow } from '../../lib/identities/authorization-code-flow.ts';",
    "const principal = { tenantId: 't', clientId: 'c', clientSecret: 's' };",
    'const made = [defaultCredential(), managedIdentityCredential(true), servicePrincipalCredential(principal)];',
    "new AuthorizationCodeFlow({ tenantId: 't', clientId: 'c', redirectUri: 'http://localhost' });",
  ].join('\n');

  it('are not loaded before the first token request', async () => {
    const modules = await modulesLoadedBy(identities);
    expect(modules.some((url) => url.includes('/lib/identities/authorization-code-flow.ts'))).to.equal(true);
    expect(modules.filter((url) => /node_modules\/@(azure|typespec)\//.test(url))).to.deep.equal([]);
  });

  it('are loaded by the first token request, only those that the identity needs', async () => {
    const request = "await made[2].getToken('https://redis.azure.com/.default').catch(() => undefined);";
    // No server listens on the port of this authority.
    const nowhere = "process.env.AZURE_AUTHORITY_HOST = 'https://localhost:1';";
    const modules = await modulesLoadedBy(`${nowhere}\n${identities}\n${request}`);
    expect(modules.some((url) => url.includes('/@azure/msal-node/'))).to.equal(true);
    expect(modules.some((url) => url.includes('/@azure/identity/'))).to.equal(false);
  });
});
