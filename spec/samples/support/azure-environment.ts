import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AzureRedisEmulator, EntraEmulator, type ClusterSize } from '../../../emulator/index.js';
import { SampleProcess } from '../../support/sample-process.js';

/**
 * A cache that outlives the samples that use it, as they would use one in Azure: with `--host` and
 * `DefaultAzureCredential`, which finds a service principal in the environment.
 */
export class AzureEnvironment {
  readonly entra: EntraEmulator;
  readonly azure: AzureRedisEmulator;
  /** The flags of a sample that choose the cache. */
  readonly flags: readonly string[];
  /** The environment in which a sample finds the identity service. */
  readonly authority: Readonly<Record<string, string>>;
  readonly #application: Readonly<Record<string, string>>;
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
    this.flags = ['--host', azure.host, '--port', String(azure.port), '--ca', caFile];
    this.authority = { AZURE_AUTHORITY_HOST: entra.authorityHost, NODE_EXTRA_CA_CERTS: entra.caFile };
    this.#application = {
      AZURE_TENANT_ID: entra.tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
    };
  }

  static async start(tokenLifetime: number, cluster?: ClusterSize): Promise<AzureEnvironment> {
    const entra = await EntraEmulator.start({ tokenLifetime });
    const azure = await AzureRedisEmulator.start({ entra, ...(cluster && { cluster }) });
    const application = entra.addApplication();
    await azure.assignRole(application.objectId, 'Data Owner');
    // In the folder of the emulator, which deletes it at its end.
    const caFile = join(dirname(entra.caFile), 'redis-ca.pem');
    await writeFile(caFile, azure.ca);
    return new AzureEnvironment(entra, azure, caFile, application.clientId, application.addSecret());
  }

  /** Starts a sample of this repository on the cache. */
  run(path: string, ...args: string[]): SampleProcess {
    return this.keep(new SampleProcess(path, [...this.flags, ...args], this.#variables));
  }

  /** Starts a sample in the folder to which it was copied. */
  runIn(folder: string, args: readonly string[]): SampleProcess {
    return this.keep(new SampleProcess('main.ts', [...this.flags, ...args], this.#variables, { folder }));
  }

  get #variables(): Readonly<Record<string, string>> {
    return { ...this.authority, ...this.#application };
  }

  /** Ends this sample, too, at the end. */
  keep(sample: SampleProcess): SampleProcess {
    this.#samples.push(sample);
    return sample;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#samples.map((sample) => sample.stop()));
    await this.azure.stop();
    await this.entra.stop();
  }
}
