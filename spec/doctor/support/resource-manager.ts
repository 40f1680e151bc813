import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCertificateAuthority } from '../../../emulator/certificates.js';
import { distrust, trust } from '../../../emulator/entra/trust.js';

/** The version of the API that each type of resource is asked with. */
const VERSIONS: readonly (readonly [path: RegExp, version: string])[] = [
  [/\/providers\/Microsoft\.Insights\/diagnosticSettings$/i, '2021-05-01-preview'],
  [/\/providers\/Microsoft\.Cache\/redis\//i, '2024-11-01'],
  [/\/providers\/Microsoft\.Cache\/redisEnterprise\//i, '2025-07-01'],
];

/** A stand-in of Azure Resource Manager: it answers in the JSON forms of the real one, to one bearer token. */
export class ResourceManager {
  readonly ca: string;
  readonly token = `eyJhbGciOiJub25lIn0.${randomUUID()}.signature`;
  readonly #server: Server;
  /** Resources, and lists of resources, by their path. */
  readonly resources = new Map<string, object>();
  /** Paths that the identity may not read. */
  readonly forbidden = new Set<string>();
  /** How many requests were received. */
  requests = 0;
  /** The scopes that were asked for tokens. */
  readonly scopes: string[] = [];

  private constructor(ca: string, server: Server) {
    this.ca = ca;
    this.#server = server;
    server.on('request', (request, response) => {
      this.requests += 1;
      const { pathname, searchParams } = new URL(request.url ?? '', this.endpoint);
      const { status, body } = this.#answer(pathname, searchParams, request.headers.authorization);
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    });
  }

  /** Starts it, and lets this process trust its certificate. */
  static async start(): Promise<ResourceManager> {
    const authority = await createCertificateAuthority();
    const server = createServer(await authority.issue({ dns: ['localhost'] }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    trust(authority.ca);
    return new ResourceManager(authority.ca, server);
  }

  get endpoint(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** An Azure sign-in whose token it accepts. */
  get credential() {
    return {
      getToken: (scope: string | string[]) => {
        this.scopes.push(...[scope].flat());
        return Promise.resolve({ token: this.token, expiresOnTimestamp: Date.now() + 3_600_000 });
      },
    };
  }

  async stop(): Promise<void> {
    distrust(this.ca);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(
    path: string,
    query: URLSearchParams,
    authorization: string | undefined,
  ): { status: number; body: object } {
    if (authorization !== `Bearer ${this.token}`) {
      return failure(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
    }
    const version = VERSIONS.find(([pattern]) => pattern.test(path))?.[1];
    if (query.get('api-version') !== version) {
      return failure(
        400,
        'InvalidApiVersionParameter',
        `The api-version '${query.get('api-version')}' is invalid.`,
      );
    }
    if (this.forbidden.has(path)) {
      return failure(
        403,
        'AuthorizationFailed',
        `The client does not have authorization to perform the action on '${path}'.`,
      );
    }
    const body = this.resources.get(path);
    return body
      ? { status: 200, body }
      : failure(404, 'ResourceNotFound', `The Resource '${path.split('/providers/')[1]}' was not found.`);
  }
}

function failure(status: number, code: string, message: string): { status: number; body: object } {
  return { status, body: { error: { code, message } } };
}
