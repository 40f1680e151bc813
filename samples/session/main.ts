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
  redis.options.enableOfflineQueue = false;

  // connect-redis takes clients of node-redis only, since its version 9. A store is no more than this.
  const keyOf = (id: string): string => `${flags.prefix}session:${id}`;
  class RedisStore extends Store {
    override get(id: string, done: Callback<SessionData | null>): void {
      answer(redis.get(keyOf(id)).then(parse), done);
    }
    override set(id: string, data: SessionData, done?: Callback): void {
      answer(redis.set(keyOf(id), JSON.stringify(data), 'EX', LIFETIME), done);
    }
    override touch(id: string, _data: SessionData, done?: Callback): void {
      answer(redis.expire(keyOf(id), LIFETIME), done);
    }
    override destroy(id: string, done?: Callback): void {
      answer(redis.del(keyOf(id)), done);
    }
  }

  const app = express();
  const secret = process.env['SESSION_SECRET'] ?? 'only for this sample';
  app.use(session({ store: new RedisStore(), secret, resave: false, saveUninitialized: false }));
  app.get('/', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.json({ visits: request.session.visits });
  });
  const listening = (url: string): void => {
    console.log(`${url} counts your visits.`);
  };
  await serve(app, { port: Number(flags.listen), stopping, listening });
});

type Callback<Result = unknown> = (error?: unknown, result?: Result) => void;

function answer<Result>(reply: Promise<Result>, done: Callback<Result> = () => undefined): void {
  reply.then((result) => {
    done(null, result);
  }, done);
}

/** What cannot be read is no session: its user could do nothing until it expires. */
function parse(text: string | null): SessionData | null {
  try {
    return JSON.parse(text ?? 'null') as SessionData | null;
  } catch {
    return null;
  }
}
