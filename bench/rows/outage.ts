import { setTimeout as sleep } from 'node:timers/promises';
import { Cache } from '../cache.js';
import { Remote } from '../remote.js';
import { atMost, count, exactly, quantity } from '../result.js';
import type { Row } from '../row.js';

const CLIENTS = 1_000;

/** In ms. */
const TOKEN_LIFETIME = 15_000;

/** For how long the identity service stays out after the last connection was closed, in ms. */
const SILENCE = 5_000;

export const outage: Row = {
  name: 'outage',
  title: 'The identity service is out for longer than a token lives',
  method:
    `${CLIENTS.toLocaleString('en-US')} clients of one authenticator, over TLS. The identity service fails until every ` +
    'connection was closed because its token expired, and for five seconds more. Each client has sent a command, which waits. ' +
    'Measured from the return of the identity service to the last reply.',
  async run(_scale, progress) {
    const floor = await withClients(false, progress, reconnect);
    const { recovery, refusals } = await withClients(true, progress, recover);
    const of = `${CLIENTS.toLocaleString('en-US')} clients`;
    return {
      results: [
        quantity('plain ioredis, after all connections were closed', of, floor, 's'),
        quantity('until the last first reply', of, recovery, 's', atMost(2, ' s')),
        count('logins tried with an expired token', of, refusals, exactly(0)),
      ],
    };
  },
};

async function withClients<Value>(
  isManaged: boolean,
  progress: (text: string) => void,
  measure: (cache: Cache, worker: Remote, progress: (text: string) => void) => Promise<Value>,
): Promise<Value> {
  const cache = await Cache.start({ tokenLifetime: TOKEN_LIFETIME });
  const worker = await Remote.start('workers/clients.ts');
  try {
    await worker.call('configure', { cache: cache.address, isManaged });
    progress(`${CLIENTS.toLocaleString('en-US')} clients ${isManaged ? '' : 'of plain ioredis '}connect`);
    await worker.call('open', { count: CLIENTS });
    return await measure(cache, worker, progress);
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

/** From the loss of all connections to the last reply, in s. */
async function reconnect(cache: Cache, worker: Remote): Promise<number> {
  const droppedAt = performance.now();
  await cache.dropConnections();
  await worker.call('sendAll');
  await worker.call('allReplied');
  return (performance.now() - droppedAt) / 1_000;
}

/** From the return of the identity service to the last reply, in s. */
async function recover(
  cache: Cache,
  worker: Remote,
  progress: (text: string) => void,
): Promise<{ recovery: number; refusals: number }> {
  progress('the identity service goes out');
  await cache.identityDown();
  while ((await cache.statistics()).open > 0) await sleep(200);
  await worker.call('sendAll');
  await sleep(SILENCE);
  progress('the identity service returns');
  await cache.identityRestored();
  const restoredAt = performance.now();
  await worker.call('allReplied');
  const recovery = (performance.now() - restoredAt) / 1_000;
  const { refusals } = await cache.statistics();
  return { recovery, refusals };
}
