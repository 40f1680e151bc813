import { setTimeout as sleep } from 'node:timers/promises';
import { Cache } from '../cache.js';
import { nameOf } from '../peers/index.js';
import type { PeerName, PeerSettings } from '../peers/peer.js';
import { Remote } from '../remote.js';
import { counts, exactly, type Result } from '../result.js';
import type { Row, Scale } from '../row.js';
import type { ArrivalOutcome, BlockingCommand } from '../workers/expiries.js';
import { countWithEach, REFRESH_RATIO, variantsOf } from './expiries.js';

const COMMANDS: readonly BlockingCommand[] = ['BLPOP', 'BLMOVE', 'XREAD'];

/** The items a second of each queue: most of the time, a worker is blocked. */
const ITEMS_PER_SECOND = 20;

/** What was pushed before the end is received within this time, in ms. */
const DELIVERY = 3_000;

export const blocking: Row = {
  name: 'blocking',
  title: 'Blocking workers while tokens expire',
  isCounted: true,
  method:
    'Workers that block without a timeout (BLPOP 0, BLMOVE 0, XREAD BLOCK 0), one connection each, while 20 numbered items a ' +
    'second are pushed past the endpoint. Lost: no worker received it. Doubled: received twice. Failed: replies that were ' +
    'errors, after which the worker blocks again.',
  async run(scale, progress) {
    return { results: await countWithEach(scale, progress, countItems) };
  },
};

async function countItems(peer: PeerName, expiries: number, { tokenLifetime }: Scale): Promise<Result[]> {
  const cache = await Cache.start({ tokenLifetime });
  const worker = await Remote.start('workers/expiries.ts');
  const workers = variantsOf(peer).flatMap((variant, index) =>
    COMMANDS.map((command) => ({
      peer: {
        peer,
        ...variant,
        cache: cache.address,
        refreshRatio: REFRESH_RATIO,
      } satisfies PeerSettings,
      command,
      queue: `${command}:${index}`,
    })),
  );
  try {
    for (const each of workers) await worker.call('startBlocking', each);
    await cache.startLoads(
      workers.map(({ command, queue }) => ({
        command: command === 'XREAD' ? ['XADD', queue, '*', 'number'] : ['RPUSH', queue],
        perSecond: ITEMS_PER_SECOND,
      })),
    );
    await sleep(expiries * tokenLifetime);
    const sent = await cache.stopLoads();
    await sleep(DELIVERY);
    const outcomes = await worker.call<ArrivalOutcome[]>('arrivals', sent);
    return outcomes.flatMap((outcome, index) => {
      const each = workers[index];
      return each ? [resultOf(each.peer, each.command, sent[index] ?? 0, outcome)] : [];
    });
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

function resultOf(
  peer: PeerSettings,
  command: BlockingCommand,
  sent: number,
  { lost, repeated, failed }: ArrivalOutcome,
): Result {
  return counts(
    `${command}, ${nameOf(peer)}: ${sent.toLocaleString('en-US')} items`,
    { lost, doubled: repeated, failed },
    peer.peer === 'ioredis-azure' ? exactly(0) : undefined,
  );
}
