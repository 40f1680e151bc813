/**
 * Injects random faults under populations of clients of every kind, and continuously checks the promises of this package.
 * The same seed results in the same faults.
 *
 *   npm run soak -- --minutes 10 --seed 42
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Authenticator } from '../lib/index.js';
import { areRenewed } from '../spec/support/waiting.js';
import { becomes } from './loop.js';
import { startClustered } from './populations/clustered.js';
import type { Fault } from './populations/fault.js';
import type { Population } from './populations/population.js';
import { startSingleServer } from './populations/single-server.js';
import { Random } from './random.js';
import { settingsOf } from './settings.js';

const MEGABYTE = 2 ** 20;

/** The permitted growth of memory between the first fault and the end, in bytes. */
const MOST_GROWTH = 64 * MEGABYTE;

/** The time after a window within which every connection has the newest token, in ms: two lifetimes of a token. */
const SETTLING = 12_000;

const { minutes, seed } = settingsOf(process.argv.slice(2));
console.log(`Soak for ${minutes} minutes, seed ${seed}: npm run soak -- --minutes ${minutes} --seed ${seed}`);

const random = new Random(seed);
const singleServer = await startSingleServer(random);
const populations: readonly Population[] = [singleServer, await startClustered(random)];
process.on('unhandledRejection', (error) => {
  singleServer.ledger.violate(`an unhandled rejection: ${String(error)}`);
});

const recoveries = new Map<string, { times: number; slowest: number }>();
const end = performance.now() + minutes * 60_000;
let order: [Population, Fault][] = [];
let memory: number | undefined;
while (performance.now() < end) {
  if (order.length === 0)
    order = random.shuffled(
      populations.flatMap((population) =>
        population.faults().map((fault): [Population, Fault] => [population, fault]),
      ),
    );
  const next = order.pop();
  if (!next) continue;
  await suffer(...next);
  memory ??= memoryInUse();
}
await finish(memory ?? 0);

/** One window: all clients work, a fault of one population begins and ends, and its clients recover. */
async function suffer(population: Population, fault: Fault): Promise<void> {
  const { ledger } = population;
  const name = `${population.name}: ${fault.name}`;
  console.log(`${new Date().toISOString()} ${name}`);
  ledger.mayBreak = fault.breaks;
  const all = populations.flatMap(({ workloads }) => workloads);
  for (const workload of all) workload.start();
  await sleep(random.between(200, 1_500));
  if (fault.refuses) ledger.mayRefuseUntil = Infinity;
  await fault.begin();
  await sleep(random.between(...fault.duration));
  await fault.end();
  const ended = performance.now();
  if (fault.refuses) ledger.mayRefuseUntil = Date.now() + 1_000;
  const served = Promise.all(population.workloads.map((workload) => workload.served()));
  const isServed = await Promise.race([served.then(() => true), sleep(fault.recovery * 4, false)]);
  const duration = performance.now() - ended;
  if (!isServed || duration > fault.recovery)
    ledger.violate(`${fault.name}: not everybody was served again ${Math.round(duration)} ms after its end`);
  const { times, slowest } = recoveries.get(name) ?? { times: 0, slowest: 0 };
  recoveries.set(name, { times: times + 1, slowest: Math.max(slowest, Math.round(duration)) });
  await sleep(random.between(500, 2_000));
  await Promise.all(all.map((workload) => workload.pause()));
  if (fault.breaks && !(await becomes(() => isSettled(population), SETTLING)))
    ledger.violate(
      `${fault.name}: not exactly its connections with the newest token: ${inspect(population.authenticators)}`,
    );
  ledger.mayBreak = false;
}

/** Whether a population has all of its connections, and no other, logged in with the newest token. */
function isSettled({ authenticators, size }: Population): boolean {
  return (size === undefined || connectionsOf(authenticators) === size) && authenticators.every(areRenewed);
}

function connectionsOf(authenticators: readonly Authenticator[]): number {
  return authenticators.reduce((total, { connections }) => total + connections.length, 0);
}

/** Ends all clients and servers, checks for leaks, and reports. */
async function finish(memoryAtFirst: number): Promise<void> {
  for (const population of populations) await finishOne(population);
  const memoryAtLast = memoryInUse();
  const { comingAndGoing, ledger } = singleServer;
  // A timer that is still running, such as that of `connectTimeout` (10 s), refers to its client; a leak stays for ever.
  const isLetGo = await becomes(() => {
    memoryInUse();
    return comingAndGoing.held === 0;
  }, 30_000);
  if (!isLetGo) ledger.violate(`${comingAndGoing.held} clients that have gone are held in memory`);
  if (memoryAtLast - memoryAtFirst > MOST_GROWTH) ledger.violate('memory grows');

  console.table(Object.fromEntries(recoveries));
  for (const { name, ledger } of populations) {
    console.log(name);
    console.table(ledger.counts);
  }
  const violations = populations.flatMap((population) => population.ledger.violations);
  console.table({
    'memory after the first fault, MB': Math.round(memoryAtFirst / MEGABYTE),
    'memory at the end, MB': Math.round(memoryAtLast / MEGABYTE),
    violations: violations.length,
  });
  console.log(`Seed ${seed}: ${violations.length === 0 ? 'all promises held' : 'FAILED'}`);
  for (const violation of violations) console.log(`- ${violation}`);
  if (violations.length > 0) process.exitCode = 1;
}

async function finishOne(population: Population): Promise<void> {
  const { authenticators, azure, ledger } = population;
  await population.end();
  if (!(await becomes(() => connectionsOf(authenticators) === 0, 5_000)))
    ledger.violate(`${connectionsOf(authenticators)} clients that have ended are kept`);
  const { connections, logins, evictions, tokensIssued } = azure.statistics;
  ledger.count('tokens issued', tokensIssued.length);
  ledger.count('connections opened', connections.length);
  ledger.count('logins accepted', logins.length);
  ledger.count('connections whose token ended', evictions.length);
  for (const authenticator of authenticators) authenticator.close();
  await population.stop();
}

function memoryInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
