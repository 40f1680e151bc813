import { setTimeout as sleep } from 'node:timers/promises';
import { Cache } from '../cache.js';
import { commandCounts } from '../counting.js';
import { nameOf } from '../peers/index.js';
import type { PeerName, PeerSettings } from '../peers/peer.js';
import { Remote } from '../remote.js';
import { counts, exactly, type Result } from '../result.js';
import type { Row, Scale } from '../row.js';
import type { CommandOutcome } from '../workers/expiries.js';
import { countWithEach, REFRESH_RATIO, variantsOf } from './expiries.js';

const CALLERS = 8;

export const commands: Row = {
  name: 'commands',
  title: 'Commands while tokens expire, at full load',
  isCounted: true,
  method:
    'Eight callers of each client send INCR without a pause, over TLS through the emulator, which closes a connection when its ' +
    'token expires. Lost: answered, but not counted by the server. Run twice: counted, but neither answered nor failed; if ' +
    'some failed, a lower limit. Every client refreshes when half of the lifetime has passed.',
  async run(scale, progress) {
    return { results: await countWithEach(scale, progress, countCommands) };
  },
};

async function countCommands(peer: PeerName, expiries: number, { tokenLifetime }: Scale): Promise<Result[]> {
  const cache = await Cache.start({ tokenLifetime });
  const worker = await Remote.start('workers/expiries.ts');
  const peers = variantsOf(peer).map((variant): PeerSettings => ({
    peer,
    ...variant,
    cache: cache.address,
    refreshRatio: REFRESH_RATIO,
  }));
  try {
    for (const [index, settings] of peers.entries()) {
      await worker.call('startCommands', { peer: settings, key: `counter:${index}`, callers: CALLERS });
    }
    await sleep(expiries * tokenLifetime);
    const outcomes = await worker.call<CommandOutcome[]>('stopCommands');
    const { evictions, refusals } = await cache.statistics();
    const results: Result[] = [];
    for (const [index, { answered, failed }] of outcomes.entries()) {
      const counted = Number(await cache.call('GET', `counter:${index}`));
      const settings = peers[index];
      if (settings) results.push(resultOf(settings, commandCounts(answered, failed, counted), answered));
    }
    const all = `${peer}, all clients: ${expiries} expiries`;
    const goal = peer === 'ioredis-azure' ? exactly(0) : undefined;
    return [...results, counts(all, { 'connections evicted': evictions, 'logins refused': refusals }, goal)];
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

function resultOf(
  settings: PeerSettings,
  { lost, repeated, failed }: ReturnType<typeof commandCounts>,
  answered: number,
): Result {
  return counts(
    `${nameOf(settings)}: ${answered.toLocaleString('en-US')} commands`,
    { lost, 'run twice': repeated, failed },
    settings.peer === 'ioredis-azure' ? exactly(0) : undefined,
  );
}
