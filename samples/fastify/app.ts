import { randomUUID } from 'node:crypto';
import fastifyRedis from '@fastify/redis';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { Multiplexer } from 'ioredis-azure';

/** How long a visit counts after the last one of its page, in s. */
const LIFETIME = 24 * 60 * 60;

const schema = {
  params: {
    type: 'object',
    required: ['page'],
    properties: { page: { type: 'string', pattern: '^[a-z0-9-]{1,64}$' } },
  },
} as const;

interface Route {
  Params: { page: string };
}

/** An application that counts visits with the client of a multiplexer, which it does not close. */
export async function createApp(
  multiplexer: Multiplexer,
  prefix: string,
  options: FastifyServerOptions = {},
): Promise<FastifyInstance> {
  const app = Fastify(options);
  multiplexer.on('error', (error) => {
    app.log.warn({ err: error, hint: error.hint }, 'Redis connection failed');
  });
  multiplexer.authenticator.on('tokenRefreshFailed', ({ error, expiresOn }) => {
    app.log.warn({ err: error, hint: error.hint, expiresOn }, 'Redis token not refreshed');
  });
  await app.register(fastifyRedis, { client: multiplexer.interactive });
  const keyOf = (page: string): string => `${prefix}visits:${page}`;

  app.get('/health', async (_request, reply) => {
    if (!multiplexer.isConnected) throw new Error('There is no connection.');
    await multiplexer.ping();
    return reply.send({ expiresOn: multiplexer.authenticator.expiresOn });
  });

  app.post<Route>('/visits/:page', { schema }, async ({ params: { page } }) => {
    // An element of a set, not INCR: ioredis sends a command again whose connection is lost, and INCR would count twice.
    await app.redis.sadd(keyOf(page), randomUUID());
    await app.redis.expire(keyOf(page), LIFETIME);
    return { page, visits: await app.redis.scard(keyOf(page)) };
  });

  app.get<Route>('/visits/:page', { schema }, async ({ params: { page } }) => ({
    page,
    visits: await app.redis.scard(keyOf(page)),
  }));

  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { statusCode = 503 } = error;
    if (statusCode < 500) return reply.send(error);
    // Redis is the only dependency of these routes. Its errors are logged, never sent.
    request.log.error({ err: error }, 'request failed');
    return reply.code(503).header('retry-after', '1').send({ error: 'The service is unavailable. Retry.' });
  });
  return app;
}
