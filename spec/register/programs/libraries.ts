import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fastifyRedis from '@fastify/redis';
import { createAdapter } from '@socket.io/redis-adapter';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { repeat } from './counting.js';

const host = process.env['REDIS_HOST'] ?? 'localhost';
const port = Number(process.env['REDIS_PORT'] ?? 6379);
const connection = { host, port };

/** Each job is done once. */
async function jobs(): Promise<[added: number, done: number]> {
  let done = 0;
  const queue = new Queue('jobs', { connection });
  // From the first event on: one that comes before BullMQ's first XREAD would never be seen.
  const events = new QueueEvents('jobs', { connection, lastEventId: '0-0' });
  const worker = new Worker('jobs', () => Promise.resolve((done += 1)), { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
  const added = await repeat(async () => (await queue.add('job', {})).waitUntilFinished(events));
  await Promise.all([worker.close(), events.close(), queue.close()]);
  return [added, done];
}

/** Two servers of a chat: what a client of one says, a client of the other hears. */
async function chat(): Promise<[said: number, heard: number]> {
  const publisher = new Redis(port, host);
  const subscribers = [publisher.duplicate(), publisher.duplicate()];
  const servers = subscribers.map((subscriber) => {
    const http = createServer().listen(0);
    return { http, sockets: new Server(http, { adapter: createAdapter(publisher, subscriber) }) };
  });
  const clients = servers.map(({ http }) => io(`http://localhost:${(http.address() as AddressInfo).port}`));
  const [first] = servers;
  const [, second] = clients;
  await Promise.all(clients.map((client) => once(client as never, 'connect')));
  // A server hears the other one once its adapter has subscribed.
  while ((await first?.sockets.of('/').adapter.serverCount()) !== 2) await sleep(10);
  let heard = 0;
  const said = await repeat(async () => {
    const message = new Promise((resolve) => second?.once('said', resolve));
    first?.sockets.emit('said', heard);
    await message;
    heard += 1;
  });
  for (const client of clients) client.disconnect();
  for (const { sockets } of servers) await sockets.close();
  for (const client of [publisher, ...subscribers]) client.disconnect();
  return [said, heard];
}

/** What a session holds is read again. */
async function sessions(): Promise<[written: number, read: number]> {
  const client = new Redis(`redis://${host}:${port}`);
  const store = new RedisStore({ client });
  let read = 0;
  const written = await repeat(async () => {
    const cookie = Object.assign(new session.Cookie(), { path: `/${read}` });
    await store.set('id', { cookie } as session.SessionData);
    const again = (await store.get('id')) as session.SessionData;
    if (again.cookie.path === cookie.path) read += 1;
  });
  await client.quit();
  return [written, read];
}

/** Each point is counted once. */
async function limits(): Promise<[consumed: number, counted: number]> {
  const storeClient = new Redis({ ...connection, enableOfflineQueue: true });
  const limiter = new RateLimiterRedis({ storeClient, points: 1_000_000, duration: 1_000 });
  const consumed = await repeat(() => limiter.consume('user'));
  const counted = await limiter.get('user');
  await storeClient.quit();
  return [consumed, counted?.consumedPoints ?? 0];
}

/** Each request is counted once. */
async function requests(): Promise<[sent: number, counted: number]> {
  const app = Fastify();
  await app.register(fastifyRedis, connection);
  app.get('/', () => app.redis.incr('requests'));
  const sent = await repeat(() => app.inject('/'));
  const counted = Number(await app.redis.get('requests'));
  await app.close();
  return [sent, counted];
}

void Promise.all([jobs(), chat(), sessions(), limits(), requests()]).then((all) => {
  const [ofJobs, ofChat, ofSessions, ofLimits, ofRequests] = all;
  const results = { bullmq: ofJobs, 'socket.io': ofChat, 'connect-redis': ofSessions };
  console.log(JSON.stringify({ ...results, 'rate-limiter-flexible': ofLimits, fastify: ofRequests }));
  process.exit();
});
