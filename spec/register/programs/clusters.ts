import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis5';
import { count } from './counting.js';

const host = process.env['REDIS_HOST'] ?? 'localhost';
const port = Number(process.env['REDIS_PORT'] ?? 6379);

const objects = new Cluster([{ host, port }], { redisOptions: { protocol: 2 } });
const subscriber = new Cluster([`${host}:${port}`], { lazyConnect: true });
const publisher = new Cluster5([`rediss://${host}:${port}`]);

/** Publishes a number, and waits until it is heard. */
async function publish(): Promise<number> {
  const heard = new Promise((resolve) => subscriber.once('message', resolve));
  await publisher.publish('numbers', '1');
  await heard;
  return 1;
}

void subscriber.subscribe('numbers').then(() =>
  count({
    objects,
    all: new Cluster([{ host, port }], { scaleReads: 'all', redisOptions: { tls: {} } }),
    duplicate: objects.duplicate(),
    five: new Cluster5([{ host, port }]),
    fiveUrl: new Cluster5([`redis://${host}:${port}`]),
    publisher: { incr: publish, quit: () => Promise.all([publisher.quit(), subscriber.quit()]) },
  }),
);
