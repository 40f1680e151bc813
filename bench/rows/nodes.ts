import { Cache } from '../cache.js';
import { Remote } from '../remote.js';
import { count, exactly, quantity, type Result } from '../result.js';
import type { Row } from '../row.js';
import { growthPlot } from './growth-plot.js';

interface Measured {
  readonly nodes: number;
  readonly connections: number;
  readonly tokenRequests: number;
  readonly logins: number;
}

/** Short, since AUTHs are spread over a quarter of what is left, in ms. */
const TOKEN_LIFETIME = 20_000;

export const nodes: Row = {
  name: 'nodes',
  title: 'One refresh of a cluster client, by the number of nodes',
  isCounted: true,
  method:
    'One Cluster of ioredis 6 that has used every node. Its connections: one for each master, and its subscriber. Each is ' +
    'sent one AUTH; a connection that the cluster opens meanwhile logs in besides.',
  async run(scale, progress) {
    const measured: Measured[] = [];
    for (const number of scale.nodes) {
      progress(`${number} ${number === 1 ? 'node' : 'nodes'}`);
      measured.push(await measure(number));
    }
    const results = measured.flatMap(resultsOf);
    if (scale.isShort) return { results };
    return {
      results,
      plots: [
        growthPlot('nodes.svg', 'One refresh, by the number of nodes', 'nodes', measured, [
          { name: 'token requests', of: ({ tokenRequests }) => tokenRequests },
          { name: 'connections', of: ({ connections }) => connections },
          { name: 'AUTHs', of: ({ logins }) => logins },
        ]),
      ],
    };
  },
};

async function measure(number: number): Promise<Measured> {
  const cache = await Cache.start({ tokenLifetime: TOKEN_LIFETIME, cluster: { masters: number } });
  const worker = await Remote.start('workers/nodes.ts');
  try {
    const connections = await worker.call<number>('connect', { cache: cache.address });
    const before = await cache.statistics();
    await worker.call('refresh');
    const after = await cache.statistics();
    return {
      nodes: number,
      connections,
      tokenRequests: after.tokenRequests - before.tokenRequests,
      logins: after.logins - before.logins,
    };
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

function resultsOf({ nodes: number, connections, tokenRequests, logins }: Measured): Result[] {
  const of = `${number} ${number === 1 ? 'node' : 'nodes'}`;
  return [
    count('token requests a refresh', of, tokenRequests, exactly(1)),
    quantity('connections', of, connections, 'connections'),
    quantity('AUTHs a refresh', of, logins, 'AUTHs'),
  ];
}
