import type { AdminConnection } from '../admin-connection.js';
import type { DeploymentParts } from '../topology.js';
import { Endpoint } from '../endpoint.js';
import type { EndpointParts } from '../endpoint.js';
import { freePort, isFree } from '../ports.js';
import { startRedisServer } from '../redis-server.js';
import type { RedisServer } from '../redis-server.js';
import { NODE_TIMEOUT } from './agreement.js';
import { TlsGate } from './tls-gate.js';

/** The number of ports to try: another process may take a free port in the meantime. */
const ATTEMPTS = 10;

/** A node of a cluster: a real redis-server behind its own TLS endpoint. */
export class ClusterNode {
  /** Its id in the cluster. */
  readonly id: string;
  readonly #server: RedisServer;
  readonly #endpoint: Endpoint;
  readonly #busPort: number;

  private constructor(id: string, server: RedisServer, endpoint: Endpoint, busPort: number) {
    this.id = id;
    this.#server = server;
    this.#endpoint = endpoint;
    this.#busPort = busPort;
  }

  /** @internal */
  static async start(parts: DeploymentParts): Promise<ClusterNode> {
    const { policy, password, listener, certificate, rules, address } = parts;
    const { server, busPort } = await startOnFreePort(parts);
    const connectServer = (): ReturnType<RedisServer['connect']> => server.connect();
    let endpoint: Endpoint | undefined;
    try {
      const door: EndpointParts['door'] = (tls) => new TlsGate(tls, password, connectServer);
      endpoint = await Endpoint.listen({ certificate, rules, connectServer, door }, listener, address);
      const settings = { masterauth: password, 'cluster-announce-port': endpoint.port };
      await server.admin.call('CONFIG', 'SET', ...Object.entries(settings).flat());
      await policy.extendTo(server.admin);
      const id = String(await server.admin.call('CLUSTER', 'MYID'));
      return new ClusterNode(id, server, endpoint, busPort);
    } catch (error) {
      await Promise.all([endpoint?.close(), server.stop([])]);
      throw error;
    }
  }

  /** Its announced port of 127.0.0.1. */
  get port(): number {
    return this.#endpoint.port;
  }

  /** A client of the real server that bypasses the endpoint, with all permissions. */
  get server(): AdminConnection {
    return this.#server.admin;
  }

  /** @internal */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** @internal Opens a connection to the server, without a login. */
  connect(): ReturnType<RedisServer['connect']> {
    return this.#server.connect();
  }

  /** Closes every client connection to this node immediately. Returns the number of connections. */
  dropConnections(): number {
    return this.#endpoint.drop();
  }

  /** @internal Introduces the other node to this one, and so to all nodes that know either. */
  async meet(other: ClusterNode): Promise<void> {
    await this.server.call('CLUSTER', 'MEET', '127.0.0.1', other.port, other.#busPort);
  }

  /** @internal */
  async stop(): Promise<void> {
    await Promise.all([this.#endpoint.close(), this.#server.stop([])]);
  }
}

async function startOnFreePort(parts: DeploymentParts): Promise<{ server: RedisServer; busPort: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const busPort = await freePort();
    try {
      const server = await startRedisServer({
        ...parts,
        settings: { ...parts.settings, ...settingsOf(busPort) },
      });
      return { server, busPort };
    } catch (error) {
      // Another process may have taken the port in the meantime.
      if (attempt === ATTEMPTS || parts.signal?.aborted || (await isFree(busPort))) throw error;
    }
  }
}

function settingsOf(busPort: number): Record<string, string> {
  return {
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-port': String(busPort),
    'cluster-announce-ip': '127.0.0.1',
    'cluster-node-timeout': String(NODE_TIMEOUT),
    // Roles change on request only: no replica promotes itself or moves to another master.
    'cluster-replica-no-failover': 'yes',
    'cluster-allow-replica-migration': 'no',
    // A replica is announced to clients once its master has sent it data.
    'repl-ping-replica-period': '1',
    'repl-diskless-sync': 'yes',
    'repl-diskless-sync-delay': '0',
  };
}
