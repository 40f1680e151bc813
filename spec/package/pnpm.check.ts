import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { createCaseFolder } from '../identities/support/case-folder.js';
import { allEnvironments } from '../identities/support/environments.js';
import type { IdentityDescription } from '../identities/support/identity-options.js';
import { NO_REQUIRE_ESM, Project } from './support/project.js';

/** Nothing is hoisted: a package finds what it declares, and no more. */
const STRICT = ['--config.node-linker=isolated', '--config.hoist=false', '--config.shamefully-hoist=false'];

interface Cache {
  readonly host: string;
  readonly port: number;
  readonly tls: unknown;
}

describe('the packed package, installed by pnpm with strict resolution', () => {
  let project: Project;
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let folder: Awaited<ReturnType<typeof createCaseFolder>>;
  /** The identities by where the program runs, with its environment variables. */
  const prepared = new Map<
    string,
    { environment: Record<string, string>; identities: IdentityDescription[] }
  >();

  before(async () => {
    project = await Project.create(['identities'], { ioredis: '^6' }, [
      'npx',
      '--yes',
      'pnpm@^10',
      'install',
      ...STRICT,
      '--prefer-offline',
      '--ignore-scripts',
    ]);
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
    await project.remove();
  });

  async function logIn(
    script: readonly string[],
    identity: unknown,
    environment: Record<string, string>,
    { host, port, tls }: Cache,
  ): Promise<void> {
    const description = JSON.stringify({ identity, cache: { host, port, tls } });
    expect(await project.node([...script, description], environment)).to.equal('works\n');
  }

  for (const script of [['identity.mjs'], [NO_REQUIRE_ESM, 'identity.cjs']]) {
    describe(script.at(-1) ?? '', () => {
      for (const [where, { names }] of Object.entries(allEnvironments)) {
        for (const [index, name] of names.entries()) {
          // A credential of @azure/identity is the application's own dependency.
          if (/^credential: \w+Credential/.test(name)) continue;
          it(`logs in: ${where}, ${name}`, async () => {
            const { environment = {}, identities = [] } = prepared.get(where) ?? {};
            await logIn(script, identities[index], environment, azure.options);
          });
        }
      }

      it('logs in: accessKey', async () => {
        await logIn(script, { kind: 'accessKey', option: azure.accessKey }, {}, azure.options);
      });
    });
  }
});
