import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { createCaseFolder } from '../identities/support/case-folder.js';
import { allEnvironments } from '../identities/support/environments.js';
import type { IdentityDescription } from '../identities/support/identity-options.js';
import { NO_REQUIRE_ESM, Project } from './support/project.js';

interface Cache {
  readonly host: string;
  readonly port: number;
  readonly tls: unknown;
}

describe('the packed package, installed by pnpm with strict resolution', () => {
  const project = new Project('pnpm');
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let folder: Awaited<ReturnType<typeof createCaseFolder>>;
  /** The identities by where the program runs, with its environment variables. */
  const prepared = new Map<
    string,
    { environment: Record<string, string>; identities: IdentityDescription[] }
  >();

  before(async () => {
    folder = await createCaseFolder();
    entra = await EntraEmulator.start();
    azure = await AzureRedisEmulator.start({ entra });
    const grant = (objectId: string): Promise<void> => azure.assignRole(objectId, 'Data Owner');
    const systemAssigned = entra.addManagedIdentity('systemAssigned');
    await grant(systemAssigned.objectId);
    for (const [where, environment] of Object.entries(allEnvironments)) {
      const context = { entra, grant, systemAssigned, folder: folder.path };
      const { environment: variables, identities } = await environment.prepare(context);
      prepared.set(where, { environment: { ...variables }, identities: [...identities] });
    }
  });
  after(async () => {
    await azure.stop();
    await entra.stop();
    await folder.remove();
  });

  /** Logs in with these identities, in one program. */
  async function logIn(
    script: readonly string[],
    identities: readonly unknown[],
    environment: Record<string, string> = {},
  ): Promise<void> {
    const { host, port, tls }: Cache = azure.options;
    const description = JSON.stringify({ identities, cache: { host, port, tls } });
    const output = await project.node([...script, description], environment);
    expect(output).to.equal('works\n'.repeat(identities.length));
  }

  for (const script of [['identity.mjs'], [NO_REQUIRE_ESM, 'identity.cjs']]) {
    describe(script.at(-1) ?? '', () => {
      for (const [where, { names }] of Object.entries(allEnvironments)) {
        // A credential of @azure/identity is the application's own dependency.
        const isOurs = (name: string): boolean => !/^credential: \w+Credential/.test(name);
        if (!names.some(isOurs)) continue;
        it(`logs in: ${where}, ${names.filter(isOurs).join('; ')}`, async () => {
          const { environment, identities = [] } = prepared.get(where) ?? {};
          const ours = identities.filter((_identity, index) => isOurs(names[index] ?? ''));
          await logIn(script, ours, environment);
        });
      }

      it('logs in: accessKey', async () => {
        await logIn(script, [{ kind: 'accessKey', option: azure.accessKey }]);
      });
    });
  }
});
