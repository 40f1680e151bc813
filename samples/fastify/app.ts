import fastifyRedis from '@fastify/redis';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from 'ioredis-azure';
import { closeClient } from '../shared/close-client.js';

/** An unused counter expires after a day, in seconds. */
const COUNTER_LIFETIME = 24 * 60 * 60;

const counterParams = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', pattern: '^[a-z0-9-]{1,64}$' } },
} as const;

/** An application with counters in Redis. `close()` waits for the requests in flight, then closes the client. */
export async function createApp(
  redisOptions: ConfiguredRedisOptions,
  options: FastifyServerOptions = {},
): Promise<FastifyInstance> {
  const { authenticator } = redisOptions;
  const app = Fastify(options);

  const client = new Redis(redisOptions);
  // ioredis reconnects automatically.
  client.on('error', (error) => {
    app.log.warn({ err: error }, 'Redis connection failed');
  });
  authenticator.on('tokenRefreshFailed', ({ error, expiresOn }) => {
    app.log.warn({ err: error, hint: error.hint, expiresOn }, 'Redis token not refreshed');
  });
  authenticator.on('reauthenticationFailed', ({ endpoint, error }) => {
    app.log.warn({ err: error, endpoint }, 'Redis connection not re-authenticated');
  });
  app.addHook('onClose', () => closeClient(client));
  await app.register(fastifyRedis, { client });

  app.get('/health', (_request, reply) => {
    const { expiresOn, connections } = authenticator;
    const isHealthy = expiresOn > new Date() && connections.every(({ status }) => status === 'ready');
    return reply.code(isHealthy ? 200 : 503).send({ expiresOn, connections });
  });

  app.post<{ Params: { name: string } }>(
    '/counters/:name',
    { schema: { params: counterParams } },
    async ({ params: { name } }) => {
      const key = counterKey(name);
      const replies = await app.redis.multi().incr(key).expire(key, COUNTER_LIFETIME).exec();
      const [[error, value] = [new Error('EXEC was aborted')]] = replies ?? [];
      if (error) throw error;
      return { name, value };
    },
  );

  app.get<{ Params: { name: string } }>(
    '/counters/:name',
    { schema: { params: counterParams } },
    async ({ params: { name } }) => ({ name, value: Number(await app.redis.get(counterKey(name))) }),
  );

  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { statusCode = 503 } = error;
    if (statusCode < 500) return reply.send(error);
    // Redis is the only dependency of these routes. Its errors are logged, never sent.
    request.log.error({ err: error }, 'request failed');
    return reply.code(503).header('retry-after', '1').send({ error: 'The service is unavailable. Retry.' });
  });

  return app;
}

function counterKey(name: string): string {
  return `fastify-sample:counter:${name}`;
}
