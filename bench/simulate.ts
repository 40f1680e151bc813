/**
 * Simulates a day of a fleet: a deployment, an outage of the identity service, a failover of the cache. It prints what was
 * computed beside what was simulated, and draws the load. docs/scale.md explains the figures.
 *
 *   npm run simulate -- --processes 10000
 */
import { writeFile } from 'node:fs/promises';
import type { TopLevelSpec } from 'vega-lite';
import { drawn } from './plots.js';
import { meanOf, peakOf, steadyState } from './simulation/arithmetic.js';
import { simulateFleet, type FleetLoad, type FleetSettings } from './simulation/fleet.js';
import { simulationSettingsOf, USAGE, type SimulationSettings } from './simulation/settings.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** An access token of Entra lives for 60 to 90 minutes, at random. Source: docs/scale.md. */
const LIFETIME = [60 * MINUTE, 90 * MINUTE] as const;

const REFRESH_RATIO = 0.75;

/** When the outage begins, and when the cache fails over. */
const NOON = 12 * HOUR;
const FAILOVER = 20 * HOUR;

/** The steady state is observed from here to the outage. */
const SETTLED = 6 * HOUR;

/** The minutes of one point of the plot. */
const RESOLUTION = 5;

const PLOT = new URL('../docs/auth-rate.svg', import.meta.url);

let given: SimulationSettings | undefined;
try {
  given = simulationSettingsOf(process.argv.slice(2));
  if (!given) console.log(USAGE);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
if (given) await simulate(given);

async function simulate({ processes, clients, outage }: SimulationSettings): Promise<void> {
  const fleet: FleetSettings = {
    processes,
    clients,
    duration: 24 * HOUR,
    deployment: 10 * MINUTE,
    lifetime: LIFETIME,
    expirationRefreshRatio: REFRESH_RATIO,
    retry: { minTimeout: 500, maxTimeout: MINUTE, factor: 2, randomize: true },
    ...(outage > 0 && { outage: { from: NOON, to: NOON + outage } }),
    failoverAt: FAILOVER,
  };
  console.log(`${processes.toLocaleString('en-US')} processes with ${clients} clients each, one day`);
  const load = simulateFleet(fleet);
  console.table(linesOf(fleet, load, outage));
  await writeFile(PLOT, await drawn(plotOf(load)));
  console.log('The plot is docs/auth-rate.svg.');
}

/** What was computed, beside what was simulated; all per second. */
function linesOf(fleet: FleetSettings, load: FleetLoad, outage: number): Record<string, string | number>[] {
  const { processes, clients, deployment } = fleet;
  const steady = steadyState(processes, clients, LIFETIME, REFRESH_RATIO);
  const line = (
    phase: string,
    what: string,
    series: Float64Array,
    [from, to]: readonly [number, number],
    computed?: number,
  ): Record<string, string | number> => ({
    phase,
    what,
    computed: computed === undefined ? '' : rounded(computed),
    mean: rounded(meanOf(series, from / 1_000, to / 1_000)),
    peak: peakOf(series, from / 1_000, to / 1_000),
  });
  const settled = [SETTLED, NOON] as const;
  const deployed = [0, deployment] as const;
  const starts = processes / (deployment / 1_000);
  const lines = [
    line('deployment', 'token requests', load.tokenRequests, deployed, starts),
    line('deployment', 'TLS handshakes', load.handshakes, deployed, starts * clients),
    line('steady state', 'token requests', load.tokenRequests, settled, steady.tokenRequests),
    line('steady state', 'AUTHs', load.auths, settled, steady.auths),
    line('steady state', 'TLS handshakes', load.handshakes, settled, 0),
  ];
  if (outage > 0) {
    const during = [NOON, NOON + outage] as const;
    const after = [NOON + outage, NOON + outage + 2 * MINUTE] as const;
    lines.push(
      line('outage', 'token requests', load.tokenRequests, during),
      line('outage', 'AUTHs', load.auths, [NOON + MINUTE, NOON + outage], 0),
      line('2 min after the outage', 'token requests', load.tokenRequests, after),
      line('2 min after the outage', 'AUTHs', load.auths, after),
      line('2 min after the outage', 'TLS handshakes', load.handshakes, after),
    );
  }
  const second = [FAILOVER, FAILOVER + 1_000] as const;
  lines.push(line('failover', 'TLS handshakes', load.handshakes, second, processes * clients));
  return lines;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The largest rate of every few minutes, so that no peak is hidden. */
function plotOf({ tokenRequests, auths, handshakes }: FleetLoad): TopLevelSpec {
  const series = {
    'token requests': tokenRequests,
    'AUTHs on live connections': auths,
    'TLS handshakes': handshakes,
  };
  const seconds = RESOLUTION * 60;
  const values = Object.entries(series).flatMap(([name, counts]) =>
    Array.from({ length: counts.length / seconds }, (_, index) => ({
      name,
      hour: (index * RESOLUTION) / 60,
      rate: peakOf(counts, index * seconds, (index + 1) * seconds),
    })),
  );
  return {
    title: `A day of a fleet: the busiest second of every ${RESOLUTION} minutes`,
    background: 'white',
    width: 680,
    height: 260,
    data: { values },
    mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.5 },
    encoding: {
      x: {
        field: 'hour',
        type: 'quantitative',
        title: 'hour: deployment at 0, identity service out from 12, failover at 20',
        scale: { domain: [0, 24] },
        axis: { values: [0, 4, 8, 12, 16, 20, 24] },
      },
      y: {
        field: 'rate',
        type: 'quantitative',
        title: 'a second',
        scale: { type: 'symlog' },
        axis: { format: ',d', values: [0, 1, 10, 100, 1_000, 10_000, 100_000] },
      },
      color: { field: 'name', type: 'nominal', title: null, legend: { orient: 'bottom', labelLimit: 300 } },
    },
  };
}
