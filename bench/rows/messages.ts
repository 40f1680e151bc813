import { setTimeout as sleep } from 'node:timers/promises';
import { Cache } from '../cache.js';
import { nameOf } from '../peers/index.js';
import type { PeerSettings } from '../peers/peer.js';
import { Remote } from '../remote.js';
import { counts, exactly, type Result } from '../result.js';
import type { Plot, Row, Scale } from '../row.js';
import type { ArrivalOutcome } from '../workers/expiries.js';
import { expiriesOf, REFRESH_RATIO } from './expiries.js';

type Subscriber = Pick<PeerSettings, 'peer' | 'protocol' | 'ioredis'>;

/** What became of the messages of one channel at one subscriber. */
interface Counted {
  readonly peer: PeerSettings;
  readonly perSecond: number;
  readonly sent: number;
  readonly outcome: ArrivalOutcome;
}

/** The messages a second of each channel. */
const RATES = [500, 5_000];

/** What was published before the end arrives within this time, in ms. */
const DELIVERY = 3_000;

const NODES = 3;

/** Those that are compared, by library: each library has a process and a cache of its own. */
const ALONE: readonly (readonly Subscriber[])[] = [
  [
    { peer: 'Multiplexer', protocol: 3, ioredis: 6 },
    { peer: 'Multiplexer', protocol: 2, ioredis: 6 },
    { peer: 'ioredis-azure', protocol: 3, ioredis: 6 },
    { peer: 'ioredis-azure', protocol: 2, ioredis: 6 },
  ],
  [
    { peer: 'ioredis and a timer', protocol: 3, ioredis: 6 },
    { peer: 'ioredis and a timer', protocol: 2, ioredis: 6 },
  ],
  [
    { peer: 'node-redis', protocol: 3, ioredis: 6 },
    { peer: 'node-redis', protocol: 2, ioredis: 6 },
  ],
];

/** The sample with the timer has no form for a cluster. */
const CLUSTERED: typeof ALONE = [
  [
    { peer: 'Multiplexer', protocol: 3, ioredis: 6 },
    { peer: 'Multiplexer', protocol: 2, ioredis: 6 },
  ],
  [
    { peer: 'node-redis', protocol: 3, ioredis: 6 },
    { peer: 'node-redis', protocol: 2, ioredis: 6 },
  ],
];

const METHOD =
  'Numbered messages at 500 and at 5,000 a second, on two channels, published past the endpoint. Lost: never received. ' +
  'Repeated: received again. Every client refreshes when half of the lifetime has passed. A plain RESP2 subscriber of ioredis ' +
  'takes no AUTH, so its connection is replaced, which may lose messages: the multiplexer is for those that must not.';

export const messages: Row = {
  name: 'messages',
  title: 'Messages while tokens expire',
  isCounted: true,
  method: METHOD,
  async run(scale, progress) {
    const counted = await runAll(ALONE, scale, false, progress);
    return { results: counted.map(resultOf), plots: scale.isShort ? [] : [lossPlot(counted)] };
  },
};

export const clusterMessages: Row = {
  name: 'cluster-messages',
  title: `Messages while tokens expire, on a cluster of ${NODES} nodes`,
  isCounted: true,
  method: METHOD,
  async run(scale, progress) {
    return { results: (await runAll(CLUSTERED, scale, true, progress)).map(resultOf) };
  },
};

async function runAll(
  groups: typeof ALONE,
  scale: Scale,
  isCluster: boolean,
  progress: (text: string) => void,
): Promise<Counted[]> {
  const counted: Counted[] = [];
  for (const group of groups) {
    const expiries = expiriesOf(group[0]?.peer ?? 'ioredis-azure', scale);
    if (expiries === 0) continue;
    progress(`${[...new Set(group.map(({ peer }) => peer))].join(' and ')}: ${expiries} expiries`);
    counted.push(...(await countMessages(group, expiries, scale, isCluster)));
  }
  return counted;
}

async function countMessages(
  group: readonly Subscriber[],
  expiries: number,
  { tokenLifetime }: Scale,
  isCluster: boolean,
): Promise<Counted[]> {
  const cache = await Cache.start({ tokenLifetime, ...(isCluster && { cluster: { masters: NODES } }) });
  const worker = await Remote.start('workers/expiries.ts');
  const peers = group.map((subscriber): PeerSettings => ({
    ...subscriber,
    cache: cache.address,
    isCluster,
    refreshRatio: REFRESH_RATIO,
  }));
  try {
    const channels = RATES.map((rate) => `news at ${rate}`);
    for (const peer of peers) await worker.call('startSubscriber', { peer, channels });
    await cache.startLoads(
      channels.map((channel, index) => ({
        command: ['PUBLISH', channel],
        perSecond: RATES[index] ?? 0,
      })),
    );
    await sleep(expiries * tokenLifetime);
    const sent = await cache.stopLoads();
    await sleep(DELIVERY);
    const outcomes = await worker.call<ArrivalOutcome[]>(
      'arrivals',
      peers.flatMap(() => sent),
    );
    return outcomes.flatMap((outcome, index) => {
      const peer = peers[Math.floor(index / RATES.length)];
      const rate = index % RATES.length;
      return peer ? [{ peer, perSecond: RATES[rate] ?? 0, sent: sent[rate] ?? 0, outcome }] : [];
    });
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

function resultOf({ peer, perSecond, sent, outcome: { lost, repeated } }: Counted): Result {
  const isExact = peer.peer === 'Multiplexer' || (peer.peer === 'ioredis-azure' && peer.protocol === 3);
  return counts(
    `${nameOf(peer)}: ${sent.toLocaleString('en-US')} messages, ${perSecond.toLocaleString('en-US')} a second`,
    { lost, repeated },
    isExact ? exactly(0) : undefined,
  );
}

/** The share of the messages at the highest rate that each subscriber lost. */
function lossPlot(counted: readonly Counted[]): Plot {
  const busiest = Math.max(...RATES);
  const title = `Messages lost while tokens expire, of ${busiest.toLocaleString('en-US')} a second`;
  return {
    file: 'messages.svg',
    title,
    spec: {
      title,
      background: 'white',
      width: 420,
      data: {
        values: counted
          .filter(({ perSecond }) => perSecond === busiest)
          .map(({ peer, sent, outcome }) => ({ subscriber: nameOf(peer), lost: outcome.lost / sent })),
      },
      encoding: {
        y: { field: 'subscriber', type: 'nominal', sort: null, title: null, axis: { labelLimit: 320 } },
        x: { field: 'lost', type: 'quantitative', title: 'lost', axis: { format: '.1%' } },
      },
      layer: [
        { mark: 'bar' },
        {
          mark: { type: 'text', align: 'left', dx: 4 },
          encoding: { text: { field: 'lost', type: 'quantitative', format: '.2%' } },
        },
      ],
    },
  };
}
