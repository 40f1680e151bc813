import { expect } from 'chai';
import { EntraEmulator } from '../../emulator/entra/index.js';
import { defaultCredential } from '../../lib/identities/default-credential.js';
import { failure } from './support/failure.js';
import { IdentityProcess, type ShownError } from './support/identity-process.js';

/** What lib/ uses of @azure/identity that it does not document: `_sources` of a chain, `credentialName` of a placeholder. */
describe('the credentials of a chain of @azure/identity', () => {
  const before = process.env['AZURE_TOKEN_CREDENTIALS'];
  afterEach(() => {
    if (before === undefined) delete process.env['AZURE_TOKEN_CREDENTIALS'];
    else process.env['AZURE_TOKEN_CREDENTIALS'] = before;
  });

  for (const [name, what] of [
    ['EnvironmentCredential', 'a credential'],
    ['WorkloadIdentityCredential', 'the placeholder of one that could not be constructed'],
  ] as const) {
    it(`are observed by their names: ${what}`, async () => {
      process.env['AZURE_TOKEN_CREDENTIALS'] = name;
      const asked = new Map<string, Promise<unknown>>();
      const chain = defaultCredential(undefined, (link, answer) => asked.set(link, answer));
      await failure(chain.getToken('https://redis.azure.com/.default'));
      expect([...asked.keys()]).to.deep.equal([name]);
      expect(await asked.get(name)?.catch(() => null)).to.equal(null);
    });
  }

  it('are created anew by the next request if they could not be created', async () => {
    process.env['AZURE_TOKEN_CREDENTIALS'] = 'misspelt';
    const chain = defaultCredential();
    const scope = 'https://redis.azure.com/.default';
    expect((await failure(chain.getToken(scope))).message).to.include('misspelt');
    process.env['AZURE_TOKEN_CREDENTIALS'] = 'EnvironmentCredential';
    expect((await failure(chain.getToken(scope))).message).to.include('EnvironmentCredential is unavailable');
  });
});

describe('no identity option (DefaultAzureCredential)', () => {
  it('says which identities can be set up when it finds none', async () => {
    const { description } = await refusalIn({
      // The tools of developers alone: the others would look for a virtual machine's address.
      AZURE_TOKEN_CREDENTIALS: 'dev',
      PATH: '',
    });
    expect(description.permanent).to.equal(false);
    expect(description.hint)
      .to.match(/az login/)
      .and.match(/managed identity/);
  });

  it('names the variable that selects the credentials when its value is not valid', async () => {
    const { description } = await refusalIn({ AZURE_TOKEN_CREDENTIALS: 'production' });
    expect(description.permanent).to.equal(true);
    expect(description.hint).to.match(/^Set AZURE_TOKEN_CREDENTIALS to prod/);
  });

  it('reports the error of Entra for the identity that it found', async () => {
    const entra = await EntraEmulator.start();
    try {
      const { description, text } = await refusalIn({
        AZURE_AUTHORITY_HOST: entra.authorityHost,
        NODE_EXTRA_CA_CERTS: entra.caFile,
        AZURE_TENANT_ID: entra.tenantId,
        AZURE_CLIENT_ID: entra.addApplication().clientId,
        AZURE_CLIENT_SECRET: 'a-mistyped-secret',
      });
      expect(description.permanent).to.equal(true);
      expect(description.hint).to.match(/"Value" of the secret, not its "Secret ID"/);
      expect(text).to.not.include('a-mistyped-secret');
    } finally {
      await entra.stop();
    }
  });
});

async function refusalIn(environment: Record<string, string>): Promise<ShownError> {
  const identity = new IdentityProcess({ identity: { kind: 'default' }, environment });
  try {
    return await identity.error();
  } finally {
    await identity.stop();
  }
}
