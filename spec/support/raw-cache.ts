import { AzureRedisEmulator } from '../../emulator/index.js';
import type { AzureRedisEmulatorOptions, EmulatorCredential } from '../../emulator/index.js';
import { RawClient } from './raw-client.js';

export const SCOPE = 'https://redis.azure.com/.default';

/** An AzureRedisEmulator for a group of specs, and its raw clients. */
export class RawCache {
  readonly #clients: RawClient[] = [];
  #azure: AzureRedisEmulator | undefined;

  /** Declares one for every spec of the `describe` that calls this. */
  static forEach(options?: AzureRedisEmulatorOptions): RawCache {
    const fixture = new RawCache();
    beforeEach(() => fixture.#start(options));
    afterEach(() => fixture.#stop());
    return fixture;
  }

  /** Declares one for all specs of the `describe` that calls this. */
  static forAll(options?: AzureRedisEmulatorOptions): RawCache {
    const fixture = new RawCache();
    before(() => fixture.#start(options));
    after(() => fixture.#stop());
    return fixture;
  }

  get azure(): AzureRedisEmulator {
    if (this.#azure === undefined) throw new Error('not started yet');
    return this.#azure;
  }

  /** A client that has not logged in. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.azure);
    this.#clients.push(client);
    return client;
  }

  /** A client that has logged in with AUTH. */
  async login(credential: EmulatorCredential = this.azure.options.credential): Promise<RawClient> {
    const client = await this.connect();
    client.command('AUTH', credential.oid, await tokenOf(credential));
    await client.expect('+OK\r\n');
    return client;
  }

  async #start(options: AzureRedisEmulatorOptions | undefined): Promise<void> {
    this.#azure = await AzureRedisEmulator.start(options);
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy();
    await this.#azure?.stop();
  }
}

export async function tokenOf(credential: EmulatorCredential): Promise<string> {
  const { token } = await credential.getToken(SCOPE);
  return token;
}
