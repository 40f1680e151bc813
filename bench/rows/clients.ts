import { Cache } from '../cache.js';
import { Remote } from '../remote.js';
import { atMost, count, exactly, quantity, type Result } from '../result.js';
import type { Row, Scale } from '../row.js';
import { median, peakRate } from '../statistics.js';
import type { ReauthenticationOutcome } from '../workers/clients.js';
import { growthPlot } from './growth-plot.js';

/** How much the peak may exceed the mean: the moments are random. */
const PEAK_FACTOR = 1.5;

/** From this many clients on there is a rate to speak of. */
const MANY = 1_000;

/** What is measured of a number of clients. */
interface Measured {
  readonly clients: number;
  readonly tokenRequests: number;
  readonly delayOverIdle: number;
  readonly peak: number;
  readonly mean: number;
}

export const clients: Row = {
  name: 'clients',
  title: 'Many clients on one authenticator: re-authentication',
  isCounted: true,
  method:
    'RESP3 clients of ioredis 6 over TLS, of which each is logged in with the next token. The event loop is observed for ' +
    'three seconds while nothing happens, then from the refresh to the last AUTH; the longest delay of the one is subtracted ' +
    'from that of the other, and the result is the median of three refreshes. A token of an hour spreads the AUTHs over ' +
    'a minute; the tokens here live shorter, so that the rates are higher than in production.',
  async run(scale, progress) {
    const measured: Measured[] = [];
    for (const number of scale.clients) {
      progress(`${number.toLocaleString('en-US')} clients`);
      measured.push(await measure(number, scale));
    }
    const results = measured.flatMap((each) => resultsOf(each, scale));
    if (scale.isShort) return { results };
    return {
      results,
      plots: [
        growthPlot('clients.svg', 'One refresh, by the number of clients', 'clients', measured, [
          { name: 'token requests', of: ({ tokenRequests }) => tokenRequests },
          { name: 'AUTHs in the busiest second', of: ({ peak }) => peak },
          { name: 'event-loop delay over idle, ms', of: ({ delayOverIdle }) => Math.max(0, delayOverIdle) },
        ]),
      ],
    };
  },
};

async function measure(number: number, { isShort }: Scale): Promise<Measured> {
  const cache = await Cache.start({ tokenLifetime: lifetimeFor(number) });
  const worker = await Remote.start('workers/clients.ts');
  try {
    await worker.call('configure', { cache: cache.address, isManaged: true });
    await worker.call('open', { count: number });
    const delays: number[] = [];
    const peaks: number[] = [];
    const means: number[] = [];
    const before = await cache.statistics();
    const refreshes = isShort ? 1 : 3;
    for (let refresh = 0; refresh < refreshes; refresh += 1) {
      const { logins } = await cache.statistics();
      const outcome = await worker.call<ReauthenticationOutcome>('reauthenticate');
      const { loginTimes } = await cache.statistics();
      delays.push(outcome.delay - outcome.idleDelay);
      peaks.push(peakRate(loginTimes.slice(logins)));
      means.push(number / (outcome.spread / 1_000));
    }
    const after = await cache.statistics();
    return {
      clients: number,
      tokenRequests: (after.tokenRequests - before.tokenRequests) / refreshes,
      delayOverIdle: median(delays),
      peak: median(peaks),
      mean: median(means),
    };
  } finally {
    await worker.call('close');
    await worker.stop();
    await cache.stop();
  }
}

/** Long enough for all to connect before the first refresh, in ms. */
function lifetimeFor(number: number): number {
  if (number < MANY) return 12_000;
  return number === MANY ? 40_000 : 100_000;
}

function resultsOf(
  { clients: number, tokenRequests, delayOverIdle, peak, mean }: Measured,
  { isShort }: Scale,
): Result[] {
  const of = `${number.toLocaleString('en-US')} ${number === 1 ? 'client' : 'clients'}`;
  const results = [count('token requests a refresh', of, tokenRequests, exactly(1))];
  if (isShort) return results;
  results.push(quantity('longest event-loop delay over idle', of, delayOverIdle, 'ms', atMost(10, ' ms')));
  if (number >= MANY) {
    const limit = Math.round(mean * PEAK_FACTOR);
    results.push(
      quantity(
        'AUTHs in the busiest second',
        of,
        peak,
        'AUTHs',
        atMost(limit, ` (${PEAK_FACTOR} × clients / spread)`),
      ),
    );
  }
  return results;
}
