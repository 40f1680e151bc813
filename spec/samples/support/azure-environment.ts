import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AzureRedisEmulator, EntraEmulator } from '../../../emulator/index.js';
import { SampleProcess } from '../../support/sample-process.js';

/**
 * A cache that outlives the samples that use it, as they would use one in Azure: with `--host` and
 * `DefaultAzureCredential`, which finds a service principal in the environment.
 */
export class AzureEnvironment {
  readonly entra: EntraEmulator;
  readonly azure: AzureRedisEmulator;
  readonly #arguments: readonly string[];
  readonly #variables: Readonly<Record<string, string>>;
  readonly #samples: SampleProcess[] = [];

  private constructor(
    entra: EntraEmulator,
    azure: AzureRedisEmulator,
    caFile: string,
    clientId: string,
    clientSecret: string,
  ) {
    this.entra = entra;
    this.azure = azure;
    this.#arguments = ['--host', azure.host, '--port', String(azure.port), '--ca', caFile];
    this.#variables = {
      AZURE_AUTHORITY_HOST: entra.authorityHost,
      NODE_EXTRA_CA_CERTS: entra.caFile,
      AZURE_TENANT_ID: entra.tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
    };
  }

  static async start(tokenLifetime: number): Promise<AzureEnvironment> {
    const entra = await EntraEmulator.start({ tokenLifetime });
    const azure = await AzureRedisEmulator.start({ entra });
    const application = entra.addApplication();
    await azure.assignRole(application.objectId, 'Data Owner');
    // In the folder of the emulator, which deletes it at its end.
    const caFile = join(dirname(entra.caFile), 'redis-ca.pem');
    await writeFile(caFile, azure.ca);
    return new AzureEnvironment(entra, azure, caFile, application.clientId, application.addSecret());
  }

  /** Starts a sample on the cache. */
  run(path: string, ...args: string[]): SampleProcess {
    const sample = new SampleProcess(path, [...this.#arguments, ...args], this.#variables);
    this.#samples.push(sample);
    return sample;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#samples.map((sample) => sample.stop()));
    await this.azure.stop();
    await this.entra.stop();
  }
}
