import { Redis } from 'ioredis';
import { Redis as Redis54 } from 'ioredis-5.4.0';
import { Redis as Redis5 } from 'ioredis5';
import { count } from './counting.js';

const host = process.env['REDIS_HOST'] ?? 'localhost';
const port = Number(process.env['REDIS_PORT'] ?? 6379);

const given = new Redis({ host, port });
const resp2 = new Redis({ host, port, protocol: 2, lazyConnect: true });

void count({
  given,
  resp2,
  duplicate: given.duplicate(),
  positional: new Redis(port, host, { keyPrefix: 'of-' }),
  url: new Redis(`redis://${host}:${port}`),
  secureUrl: new Redis(`rediss://${host}:${port}/0`, { maxRetriesPerRequest: null }),
  five: new Redis5({ host, port, password: '' }),
  oldest: new Redis54(`redis://${host}:${port}`),
  fiveUrl: new Redis5(`rediss://${host}:${port}`),
});
