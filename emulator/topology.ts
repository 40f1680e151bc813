import type { AccessPolicy } from './access-policy.js';
import type { AdminConnection } from './admin-connection.js';
import type { KeyAndCertificate } from './certificates.js';
import type { ConnectionRules, OpenConnection } from './connection.js';
import { Endpoint } from './endpoint.js';
import type { EndpointListener } from './endpoint.js';
import type { ListenAddress } from './listen.js';
import { attachRedisServer, startRedisServer } from './redis-server.js';
import type { RedisServer, ServerSettings, Upstream } from './redis-server.js';

/** The servers of a cache: one, or the nodes of a cluster. */
export interface Topology {
  /** The port to which clients connect first. */
  readonly port: number;
  /** The server behind it. */
  readonly server: AdminConnection;
  /** The open connections of clients. */
  readonly open: readonly OpenConnection[];
  /** Closes every connection immediately. Returns the number of connections. */
  drop(): number;
  /** Stops the servers and endpoints. */
  stop(): Promise<void>;
}

/** The dependencies of a topology. */
export interface DeploymentParts {
  readonly certificate: KeyAndCertificate;
  readonly rules: ConnectionRules;
  readonly policy: AccessPolicy;
  readonly listener: EndpointListener;
  /** The password of the servers' default user. */
  readonly password: string;
  /** The redis-server program. */
  readonly program: string | undefined;
  /** Settings of redis-server, in addition to the usual ones. */
  readonly settings: ServerSettings;
  /** Ends the servers. */
  readonly signal: AbortSignal | undefined;
  /** The address of the first endpoint. */
  readonly address: ListenAddress;
}

/** One server behind one endpoint. */
export class SingleServer implements Topology {
  readonly #server: RedisServer;
  readonly #endpoint: Endpoint;
  readonly #policy: AccessPolicy;

  private constructor(server: RedisServer, endpoint: Endpoint, policy: AccessPolicy) {
    this.#server = server;
    this.#endpoint = endpoint;
    this.#policy = policy;
  }

  /** Starts a server, unless an upstream is given. */
  static async start(parts: DeploymentParts, upstream: Upstream | undefined): Promise<SingleServer> {
    const { certificate, rules, policy, listener, address } = parts;
    const server = upstream ? await attachRedisServer(upstream, parts.signal) : await startRedisServer(parts);
    try {
      await policy.extendTo(server.admin);
      const connectServer = (): ReturnType<RedisServer['connect']> => server.connect();
      const endpoint = await Endpoint.listen({ certificate, rules, connectServer }, listener, address);
      return new SingleServer(server, endpoint, policy);
    } catch (error) {
      await server.stop(policy.users);
      throw error;
    }
  }

  get port(): number {
    return this.#endpoint.port;
  }

  get server(): AdminConnection {
    return this.#server.admin;
  }

  get open(): readonly OpenConnection[] {
    return this.#endpoint.open;
  }

  drop(): number {
    return this.#endpoint.drop();
  }

  async stop(): Promise<void> {
    await this.#endpoint.close();
    await this.#server.stop(this.#policy.users);
  }
}
