import { AzureRedisEmulator, type ClusterSize } from 'ioredis-azure/emulator';
import { type Authenticator, Multiplexer } from 'ioredis-azure';
import { createApp, type AppOptions } from '../../../../samples/sessions/app.js';
import type { RedisClient } from '../../../../samples/sessions/session/scripts.js';
import type { Users } from '../../../../samples/sessions/sign-in/users.js';
import { HttpServer } from '../../support/http-server.js';
import { Visitor } from './visitor.js';

export const PASSWORD = 'a password of the specs';

/** Everybody may sign in. The sample's own users cost a second for each attempt on a busy machine, by design. */
const USERS: Users = {
  authenticate: (name, password) =>
    Promise.resolve(
      password === PASSWORD ? { id: name, displayName: `Name of ${name}`, claims: {} } : undefined,
    ),
};

const HOUR = 3_600_000;

interface Instance {
  readonly multiplexer: Multiplexer<RedisClient>;
  readonly server: HttpServer;
}

/** Two instances of the sample's application with one cache, whose tokens live for three seconds. */
export class Application {
  readonly azure: AzureRedisEmulator;
  readonly #instances: readonly Instance[];

  private constructor(azure: AzureRedisEmulator, instances: readonly Instance[]) {
    this.azure = azure;
    this.#instances = instances;
  }

  static async start(options: Partial<AppOptions> = {}, cluster?: ClusterSize): Promise<Application> {
    const azure = await AzureRedisEmulator.start({ tokenLifetime: 3_000, ...(cluster && { cluster }) });
    const connection = { ...azure.options, commandTimeout: 5_000, maxRetriesPerRequest: 1 };
    const connect = (): Promise<Multiplexer> => Multiplexer.connect(connection);
    const instances = [
      await startInstance(await connect(), options),
      await startInstance(await connect(), options),
    ];
    return new Application(azure, instances);
  }

  /** Somebody who uses the one instance or, if so chosen, the other. */
  visitor(headers: Readonly<Record<string, string>> = {}, instance: 0 | 1 = 0): Visitor {
    return new Visitor(this.#instances[instance]?.server.url ?? '', headers);
  }

  /** Keeps one of the instances logged in. */
  get authenticator(): Authenticator {
    return this.#first.multiplexer.authenticator;
  }

  /** A client for the specs' own use. */
  get redis(): RedisClient {
    return this.#first.multiplexer.interactive;
  }

  get #first(): Instance {
    const [first] = this.#instances;
    if (!first) throw new Error('the application has no instance');
    return first;
  }

  async stop(): Promise<void> {
    for (const { server, multiplexer } of this.#instances) {
      await server.close();
      await multiplexer.close();
    }
    await this.azure.stop();
  }
}

async function startInstance(
  multiplexer: Multiplexer<RedisClient>,
  options: Partial<AppOptions>,
): Promise<Instance> {
  const app = createApp({
    redis: multiplexer.interactive,
    prefix: '',
    users: USERS,
    timeouts: { idle: HOUR, absolute: HOUR },
    secret: 'the same secret in both instances',
    behindTlsProxy: false,
    ...options,
  });
  return { multiplexer, server: await HttpServer.listen(app) };
}
