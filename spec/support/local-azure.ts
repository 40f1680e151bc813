import { LocalAzure } from '../../lib/testing/index.js';
import type { LocalAzureOptions, LocalCredential } from '../../lib/testing/index.js';
import { RawClient } from './raw-client.js';

export const SCOPE = 'https://redis.azure.com/.default';

/** A LocalAzure for the specs of a group, and the raw clients that they connect to it with. */
export class Fixture {
  readonly #clients: RawClient[] = [];
  #azure: LocalAzure | undefined;

  /** Declares one for every spec of the `describe` that calls this. */
  static forEach(options?: LocalAzureOptions): Fixture {
    const fixture = new Fixture();
    beforeEach(() => fixture.#start(options));
    afterEach(() => fixture.#stop());
    return fixture;
  }

  /** Declares one for all specs of the `describe` that calls this. */
  static forAll(options?: LocalAzureOptions): Fixture {
    const fixture = new Fixture();
    before(() => fixture.#start(options));
    after(() => fixture.#stop());
    return fixture;
  }

  get azure(): LocalAzure {
    if (this.#azure === undefined) throw new Error('not started yet');
    return this.#azure;
  }

  /** A client that has not logged in. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.azure);
    this.#clients.push(client);
    return client;
  }

  /** A client that AUTH has logged in. */
  async login(credential: LocalCredential = this.azure.options.credential): Promise<RawClient> {
    const client = await this.connect();
    client.command('AUTH', credential.oid, await tokenOf(credential));
    await client.expect('+OK\r\n');
    return client;
  }

  async #start(options: LocalAzureOptions | undefined): Promise<void> {
    this.#azure = await LocalAzure.start(options);
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy();
    await this.#azure?.stop();
  }
}

export async function tokenOf(credential: LocalCredential): Promise<string> {
  const { token } = await credential.getToken(SCOPE);
  return token;
}
