import { Cache } from '../cache.js';
import { nameOf } from '../peers/index.js';
import type { PeerName, PeerSettings } from '../peers/peer.js';
import { Remote } from '../remote.js';
import { atMost, quantity, ratio, type Goal, type Result } from '../result.js';
import type { Row } from '../row.js';
import { median, quantile, ratiosOf } from '../statistics.js';
import type { LoadRequest } from '../workers/load.js';

const PEERS: readonly PeerName[] = ['ioredis', 'ioredis and a timer', 'node-redis', 'ioredis-azure'];

/** A token that lives for 4 s is refreshed every 3 s. */
const TOKEN_LIFETIME = 4_000;
const REFRESH_RATIO = 0.75;

const CALLERS = 4;

const QUANTILES: readonly { name: string; share: number; goal: Goal }[] = [
  { name: 'p50', share: 0.5, goal: atMost(1.02) },
  { name: 'p99', share: 0.99, goal: atMost(1.05) },
  { name: 'p99.9', share: 0.999, goal: atMost(1.1) },
];

export const latency: Row = {
  name: 'latency',
  title: 'Latency over plain ioredis while tokens are refreshed every 3 s',
  method:
    'GETs over TLS through the emulator, over RESP3, by four callers that pause for a millisecond after each reply. Each ' +
    'client is in a process of its own; they are measured one after the other in each round, in alternating order. Each ' +
    'round gives a quantile of each client; the ratio is that of the same round.',
  async run({ rounds, slice }, progress) {
    const cache = await Cache.start({ tokenLifetime: TOKEN_LIFETIME });
    const peers = PEERS.map((peer): PeerSettings => ({
      peer,
      ioredis: 6,
      protocol: 3,
      cache: cache.address,
      refreshRatio: REFRESH_RATIO,
    }));
    const workers = await Promise.all(peers.map(() => Remote.start('workers/load.ts')));
    try {
      await Promise.all(workers.map((worker, index) => worker.call('connect', peers[index])));
      const request: LoadRequest = { workload: 'single', callers: CALLERS, duration: slice * 4 };
      const times = await alternate(workers, request, rounds, progress);
      return { results: QUANTILES.flatMap((each) => resultsOf(each, peers, times)) };
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
      await cache.stop();
    }
  },
};

/** The times of each worker, round by round. The first round warms up. */
async function alternate(
  workers: readonly Remote[],
  request: LoadRequest,
  rounds: number,
  progress: (text: string) => void,
): Promise<number[][][]> {
  const times = workers.map((): number[][] => []);
  for (let round = 0; round <= rounds; round += 1) {
    progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    const order = [...workers.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, worker] of order) {
      const measured = await worker.call<number[]>('latency', request);
      if (round > 0) times[index]?.push(measured);
    }
  }
  return times;
}

function resultsOf(
  { name, share, goal }: (typeof QUANTILES)[number],
  peers: readonly PeerSettings[],
  times: readonly number[][][],
): Result[] {
  const quantiles = times.map((rounds) => rounds.map((round) => quantile(round, share)));
  const [floor = []] = quantiles;
  return peers.map((peer, index) => {
    if (index === 0) return quantity(name, nameOf(peer), median(floor), 'ms');
    const isOurs = peer.peer === 'ioredis-azure';
    return ratio(name, nameOf(peer), ratiosOf(quantiles[index] ?? [], floor), isOurs ? goal : undefined);
  });
}
