import { randomBytes, randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { Redis } from 'ioredis';
import { RedisOnTcp } from '../spec/support/redis-on-tcp.js';
import type { CacheAddress } from './cache.js';
import { listen, portOf } from './remote.js';

/** The lifetime of its token, in ms. */
const LIFETIME = 24 * 3_600_000;

/** A redis-server over plain TCP that accepts one token, so that nothing stands between a client and the server. */
export class StaticCache {
  readonly address: CacheAddress;
  readonly #redis: RedisOnTcp;
  readonly #tokens: Server;

  private constructor(redis: RedisOnTcp, tokens: Server) {
    this.#redis = redis;
    this.#tokens = tokens;
    const { host, port, password } = redis;
    this.address = { host, port, accessKey: password, tokenPort: portOf(tokens) };
  }

  static async start(): Promise<StaticCache> {
    const redis = await RedisOnTcp.start();
    const oid = randomUUID();
    const claims = Buffer.from(JSON.stringify({ oid })).toString('base64url');
    // As long as a token of Entra.
    const token = `e30.${claims}.${randomBytes(900).toString('base64url')}`;
    const admin = new Redis({ host: redis.host, port: redis.port, password: redis.password });
    await admin.call('ACL', 'SETUSER', oid, 'on', `>${token}`, '~*', '&*', '+@all');
    await admin.quit();
    const tokens = await listen({ token: () => ({ token, expiresOnTimestamp: Date.now() + LIFETIME }) });
    return new StaticCache(redis, tokens);
  }

  async stop(): Promise<void> {
    this.#tokens.close();
    this.#tokens.closeAllConnections();
    await this.#redis.stop();
  }
}
