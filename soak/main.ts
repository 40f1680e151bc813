/**
 * Injects random faults under a population of clients of every kind, and continuously checks the promises of this package.
 * The same seed results in the same faults.
 *
 *   npm run soak -- --minutes 10 --seed 42
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Redis } from 'ioredis';
import { configureForAzure, Multiplexer, type ConfiguredRedisOptions } from '../lib/index.js';
import { AzureRedisEmulator } from '../emulator/index.js';
import { VARIANTS, type Variant } from '../spec/support/ioredis-versions.js';
import { Network } from '../spec/support/network.js';
import { ProgrammableCredential } from '../spec/support/programmable-credential.js';
import { faults, type Fault } from './faults.js';
import { Ledger } from './ledger.js';
import { becomes } from './loop.js';
import { Random } from './random.js';
import { settingsOf } from './settings.js';
import { ComingAndGoing } from './workloads/coming-and-going.js';
import { Counting } from './workloads/counting.js';
import { Messages, type Receiver } from './workloads/messages.js';
import { Popping } from './workloads/popping.js';
import { Transactions } from './workloads/transactions.js';
import type { Surroundings, Workload } from './workloads/workload.js';

const MEGABYTE = 2 ** 20;

/** The permitted growth of memory between the first fault and the end, in bytes. */
const MOST_GROWTH = 64 * MEGABYTE;

/** The time after a window within which every connection has the newest token, in ms: two lifetimes of a token. */
const SETTLING = 12_000;

const { minutes, seed } = settingsOf(process.argv.slice(2));
console.log(`Soak for ${minutes} minutes, seed ${seed}: npm run soak -- --minutes ${minutes} --seed ${seed}`);

const ledger = new Ledger();
const random = new Random(seed);
const azure = await AzureRedisEmulator.start({ tokenLifetime: 6_000 });
const network = await Network.to(azure.port);
const around: Surroundings = { azure, ledger, random };
const identity = azure.credential();
const credential = new ProgrammableCredential(identity);
const options = await configureForAzure({
  host: azure.host,
  port: network.port,
  tls: { ca: azure.ca },
  credential,
  expirationRefreshRatio: 0.35,
  connectTimeout: 2_000,
  heartbeatInterval: 1_000,
});
const { authenticator } = options;
for (const event of [
  'tokenRefreshed',
  'tokenRefreshFailed',
  'reauthenticated',
  'stalled',
  'recycled',
] as const)
  authenticator.on(event, () => {
    ledger.count(event);
  });

/** Until when logins may be rejected; a login that was sent before the end of a fault may be answered after it. */
let refusalsEnd = 0;
azure.on('refusal', ({ reason }) => {
  if (Date.now() < refusalsEnd) ledger.count('logins refused on purpose');
  else ledger.violate(`a login was refused: ${reason}`);
});
process.on('unhandledRejection', (error) => {
  ledger.violate(`an unhandled rejection: ${String(error)}`);
});

const clients: Redis[] = [];
const multiplexers: Multiplexer[] = [];
const comingAndGoing = new ComingAndGoing(VARIANTS, options, around);
const workloads = [...(await population()), comingAndGoing];

const recoveries = new Map<string, { times: number; slowest: number }>();
const end = performance.now() + minutes * 60_000;
let order: Fault[] = [];
let memory: number | undefined;
while (performance.now() < end) {
  if (order.length === 0) order = random.shuffled(faults({ azure, network, identity, credential, random }));
  const fault = order.pop();
  if (!fault) continue;
  await suffer(fault);
  memory ??= memoryInUse();
}
await finish(memory ?? 0);

/** One window: all clients work, a fault begins and ends, and all clients recover. */
async function suffer(fault: Fault): Promise<void> {
  console.log(`${new Date().toISOString()} ${fault.name}`);
  ledger.mayBreak = fault.breaks;
  for (const workload of workloads) workload.start();
  await sleep(random.between(200, 1_500));
  if (fault.refuses) refusalsEnd = Infinity;
  await fault.begin();
  await sleep(random.between(...fault.duration));
  await fault.end();
  const ended = performance.now();
  if (fault.refuses) refusalsEnd = Date.now() + 1_000;
  const served = Promise.all(workloads.map((workload) => workload.served()));
  const isServed = await Promise.race([served.then(() => true), sleep(fault.recovery * 4, false)]);
  const duration = performance.now() - ended;
  if (!isServed || duration > fault.recovery)
    ledger.violate(`${fault.name}: not everybody was served again ${Math.round(duration)} ms after its end`);
  const { times, slowest } = recoveries.get(fault.name) ?? { times: 0, slowest: 0 };
  recoveries.set(fault.name, { times: times + 1, slowest: Math.max(slowest, Math.round(duration)) });
  await sleep(random.between(500, 2_000));
  await Promise.all(workloads.map((workload) => workload.pause()));
  if (fault.breaks && !(await becomes(isSettled, SETTLING)))
    ledger.violate(
      `${fault.name}: not exactly ${expectedConnections()} connections with the newest token: ${inspect(authenticator)}`,
    );
}

/** Whether the population has all of its connections, and no other, logged in with the newest token. */
function isSettled(): boolean {
  const { connections, expiresOn } = authenticator;
  return (
    connections.length === expectedConnections() &&
    connections.every((connection) => connection.expiresOn?.getTime() === expiresOn.getTime())
  );
}

/** The number of connections of the population. */
function expectedConnections(): number {
  return clients.length + 2 * multiplexers.length;
}

async function population(): Promise<Workload[]> {
  const receivers: Receiver[] = [];
  const kinds: Workload[] = [];
  for (const variant of VARIANTS) {
    const { name, protocol } = variant;
    kinds.push(new Counting(connect(variant), name, around));
    kinds.push(new Transactions(connect(variant), connect(variant), around));
    kinds.push(new Popping(connect(variant), name, around));
    const subscriber = connect(variant);
    const received: number[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(Number(message)));
    await subscriber.subscribe(Messages.CHANNEL);
    receivers.push({
      name: `a subscriber of ${name}`,
      isExact: protocol === 3,
      client: subscriber,
      received,
    });
  }
  for (const protocol of [2, 3] as const) {
    const multiplexer = await Multiplexer.connect({ ...options, protocol });
    multiplexers.push(multiplexer);
    const received: number[] = [];
    await multiplexer.subscribe(Messages.CHANNEL, (message) => received.push(Number(message)));
    const name = `a multiplexer over RESP${protocol}`;
    receivers.push({ name, isExact: true, client: multiplexer, received });
  }
  kinds.push(new Messages(receivers, around));
  return kinds;
}

function connect({ Redis, protocol }: Variant): Redis {
  const client = new Redis({ ...(options satisfies ConfiguredRedisOptions), protocol });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** Ends all clients and servers, checks for leaks, and reports. */
async function finish(memoryAtFirst: number): Promise<void> {
  for (const client of clients) client.disconnect();
  await Promise.all(multiplexers.map((multiplexer) => multiplexer.close()));
  if (!(await becomes(() => authenticator.connections.length === 0, 5_000)))
    ledger.violate(`${authenticator.connections.length} clients that have ended are kept`);
  const memoryAtLast = memoryInUse();
  // A timer that is still running, such as that of `connectTimeout` (10 s), refers to its client; a leak stays for ever.
  const isLetGo = await becomes(() => {
    memoryInUse();
    return comingAndGoing.held === 0;
  }, 30_000);
  if (!isLetGo) ledger.violate(`${comingAndGoing.held} clients that have gone are held in memory`);
  if (memoryAtLast - memoryAtFirst > MOST_GROWTH) ledger.violate('memory grows');
  if (credential.mostAtOnce > 1) ledger.violate(`${credential.mostAtOnce} token requests at a time`);
  const { connections, logins, evictions, tokensIssued } = azure.statistics;
  authenticator.close();
  await network.close();
  await azure.stop();

  console.table(Object.fromEntries(recoveries));
  console.table({
    ...ledger.counts,
    'tokens issued': tokensIssued.length,
    'connections opened': connections.length,
    'logins accepted': logins.length,
    'connections whose token ended': evictions.length,
    'token requests at a time': credential.mostAtOnce,
    'memory after the first fault, MB': Math.round(memoryAtFirst / MEGABYTE),
    'memory at the end, MB': Math.round(memoryAtLast / MEGABYTE),
    violations: ledger.violations.length,
  });
  console.log(`Seed ${seed}: ${ledger.violations.length === 0 ? 'all promises held' : 'FAILED'}`);
  for (const violation of ledger.violations) console.log(`- ${violation}`);
  if (ledger.violations.length > 0) process.exitCode = 1;
}

function memoryInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
