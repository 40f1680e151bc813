import { isMainThread, Worker } from 'node:worker_threads';
import { Redis } from 'ioredis';

if (isMainThread) {
  new Worker(new URL(import.meta.url));
} else {
  const redis = new Redis(Number(process.env['REDIS_PORT']), process.env['REDIS_HOST'] ?? 'localhost');
  console.log(await redis.ping());
  await redis.quit();
}
