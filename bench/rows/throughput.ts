import { nameOf } from '../peers/index.js';
import type { PeerName, PeerSettings } from '../peers/peer.js';
import { Remote } from '../remote.js';
import { atLeast, quantity, ratio, type Result } from '../result.js';
import type { Row } from '../row.js';
import { median, ratiosOf } from '../statistics.js';
import { StaticCache } from '../static-cache.js';
import type { LoadRequest, Rates, Workload } from '../workers/load.js';

const VARIANTS = [
  { ioredis: 6, protocol: 3 },
  { ioredis: 6, protocol: 2 },
  { ioredis: 5, protocol: 2 },
] as const;

const WORKLOADS: readonly Workload[] = ['single', 'pipeline', 'autopipelining'];

const CALLERS = [1, 32];

const PEERS: readonly PeerName[] = ['ioredis', 'ioredis and a timer', 'node-redis', 'ioredis-azure'];

export const throughput: Row = {
  name: 'throughput',
  title: 'Throughput over plain ioredis',
  method:
    'GETs against a redis-server over plain TCP, so that the client is the bottleneck, each client in a process of its own, ' +
    'one after the other in each round, in alternating order. The ratio is that of the same round, of the commands for each ' +
    'second of CPU time of the client: what else runs on the machine matters least. The ratio by the clock is beside it; with ' +
    'one caller it measures the scheduler, and the row "hot-path" the client. Pipelines and ' +
    'autopipelining: 20 commands at a time. node-redis pipelines all commands of a tick by itself.',
  async run({ rounds, slice }, progress) {
    const results: Result[] = [];
    for (const variant of VARIANTS) results.push(...(await compare(variant, rounds, slice, progress)));
    return { results };
  },
};

async function compare(
  variant: { ioredis: 5 | 6; protocol: 2 | 3 },
  rounds: number,
  slice: number,
  progress: (text: string) => void,
): Promise<Result[]> {
  const cache = await StaticCache.start();
  // node-redis does not depend on the version of ioredis: once for each protocol.
  const peers = PEERS.filter((peer) => peer !== 'node-redis' || variant.ioredis === 6).map(
    (peer): PeerSettings => ({ peer, ...variant, cache: cache.address }),
  );
  const workers = await Promise.all(peers.map(() => Remote.start('workers/load.ts')));
  const results: Result[] = [];
  try {
    for (const workload of WORKLOADS) {
      for (const [index, worker] of workers.entries()) {
        await worker.call('connect', {
          ...peers[index],
          enableAutoPipelining: workload === 'autopipelining',
        });
      }
      for (const callers of CALLERS) {
        const label = `${workload}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`;
        progress(`${nameOf({ ...variant, peer: 'ioredis', cache: cache.address })}: ${label}`);
        const rates = await alternate(workers, { workload, callers, duration: slice }, rounds);
        results.push(...resultsOf(label, peers, rates));
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await cache.stop();
  }
  return results;
}

/** How much longer than the others the first round is, which is not counted: the compiler of V8 settles in it. */
const WARM_UP = 4;

/** The rates of each worker, round by round. */
async function alternate(
  workers: readonly Remote[],
  request: LoadRequest,
  rounds: number,
): Promise<Rates[][]> {
  const rates = workers.map((): Rates[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    const order = [...workers.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, worker] of order) {
      const duration = round === 0 ? WARM_UP * request.duration : request.duration;
      const rate = await worker.call<Rates>('throughput', { ...request, duration });
      if (round > 0) rates[index]?.push(rate);
    }
  }
  return rates;
}

function resultsOf(label: string, peers: readonly PeerSettings[], rates: readonly Rates[][]): Result[] {
  const [floor = []] = rates;
  const byClock = floor.map((each) => each.byClock);
  const byCpu = floor.map((each) => each.byCpu);
  return peers.flatMap((peer, index) => {
    if (index === 0) return [quantity(label, nameOf(peer), median(byClock), 'commands/s')];
    const measured = rates[index] ?? [];
    const isOurs = peer.peer === 'ioredis-azure';
    const ratios = ratiosOf(
      measured.map((each) => each.byCpu),
      byCpu,
    );
    const result = ratio(label, nameOf(peer), ratios, isOurs ? atLeast(0.99) : undefined);
    if (!isOurs) return [result];
    const ratiosByClock = ratiosOf(
      measured.map((each) => each.byClock),
      byClock,
    );
    return [result, ratio(`${label}, by the clock`, nameOf(peer), ratiosByClock)];
  });
}
