import type { Redis } from 'ioredis';
import { configureForAzure } from '../../../lib/index.js';
import { count } from './counting.js';

const host = process.env['REDIS_HOST'] ?? 'localhost';
const port = Number(process.env['REDIS_PORT'] ?? 6379);

// Bundled, the library knows its own copy of ioredis; the client is of another one.
void configureForAzure({ host, port, managedIdentity: true }).then(async (options) => {
  const { Redis: Other } = (await import('ioredis5')) as unknown as { Redis: typeof Redis };
  await count({ other: new Other(options) });
});
