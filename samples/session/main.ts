/** express-session on a client of ioredis-azure, and nothing else. */
import express from 'express';
import session, { Store, type SessionData } from 'express-session';
import { Multiplexer } from 'ioredis-azure';
import { serve } from './serve.js';
import { start } from './start.js';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

/** How long a session lives after its last use, in s. */
const LIFETIME = 30 * 60;

await start({ listen: { type: 'string', default: '3000' } }, async ({ options, flags, stopping }) => {
  await using multiplexer = await Multiplexer.connect({ ...options, commandTimeout: 3_000 });
  const { interactive: redis } = multiplexer;
  // Without a connection a request fails at once.
  redis.options.enableOfflineQueue = false;

  const keyOf = (id: string): string => `${flags.prefix}session:${id}`;
  class RedisStore extends Store {
    override get(id: string, done: Done): void {
      answer(redis.get(keyOf(id)).then(parse), done);
    }
    override set(id: string, data: SessionData, done?: Done): void {
      answer(redis.set(keyOf(id), JSON.stringify(data), 'EX', LIFETIME), done);
    }
    override touch(id: string, _data: SessionData, done?: Done): void {
      answer(redis.expire(keyOf(id), LIFETIME), done);
    }
    override destroy(id: string, done?: Done): void {
      answer(redis.del(keyOf(id)), done);
    }
  }

  const secret = process.env['SESSION_SECRET'] ?? 'only for this sample';
  const app = express();
  app.use(session({ store: new RedisStore(), secret, resave: false, saveUninitialized: false }));
  app.get('/', ({ session }, response) => {
    session.visits = (session.visits ?? 0) + 1;
    response.json({ visits: session.visits });
  });
  const listening = (url: string) => {
    console.log(`${url} counts your visits.`);
  };
  await serve(app, { port: Number(flags.listen), stopping, listening });
});

type Done = (error: unknown, result?: never) => unknown;

function answer(reply: Promise<unknown>, done: Done = () => undefined): void {
  reply.then((result) => done(null, result as never), done);
}

/** What cannot be read is no session: its user could do nothing until it expires. */
function parse(text: string | null): unknown {
  try {
    const data = JSON.parse(text ?? 'null') as Partial<SessionData> | null;
    return data?.cookie ? data : null;
  } catch {
    return null;
  }
}
