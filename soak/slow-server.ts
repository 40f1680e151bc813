/**
 * Lets a server stand still under many clients, and counts what they open meanwhile: probes, and no replacements. Then all
 * of their connections go silent while the server answers, and each is replaced once.
 *
 *   npm run soak:slow-server -- --clients 1000 --pause 30
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { AzureRedisEmulator } from '../emulator/index.js';
import { configureForAzure } from '../lib/index.js';
import { Network } from '../spec/support/network.js';
import { becomes } from './loop.js';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    pause: { type: 'string', default: '30' },
  },
});
const [count, seconds] = [Number(values.clients), Number(values.pause)];
if (!(Number.isInteger(count) && count > 0 && seconds > 0)) {
  console.error(
    'npm run soak:slow-server -- [--clients 1000] [--pause 30]: a number of clients, and of seconds',
  );
  process.exit(2);
}

/** The first probe, and one after each of the growing waits. */
const MOST_PROBES = 2 + Math.ceil(seconds / 10);

const azure = await AzureRedisEmulator.start();
const network = await Network.to(azure.port);
const options = await configureForAzure({ ...azure.options, port: network.port });
let stalls = 0;
options.authenticator.on('stalled', () => (stalls += 1));
const clients = Array.from({ length: count }, () => new Redis(options));
for (const client of clients) client.on('error', () => undefined);
await Promise.all(clients.map((client) => client.ping()));

const violations: string[] = [];
const opened = (): number => azure.statistics.connections.length;

const beforePause = opened();
const pid = Number(/process_id:(\d+)/.exec(String(await azure.server.call('INFO', 'server')))?.[1]);
process.kill(pid, 'SIGSTOP');
const replies = Promise.all(clients.map((client) => client.incr('counter')));
await sleep(seconds * 1_000);
process.kill(pid, 'SIGCONT');
const resumedAt = performance.now();
await replies;
const answeredAfter = Math.round(performance.now() - resumedAt);
const probes = opened() - beforePause;
const counter = Number(await clients[0]?.get('counter'));
if (stalls > 0) violations.push(`${stalls} connections to a server that was slow were replaced`);
if (probes > MOST_PROBES) violations.push(`${probes} connections were opened, more than ${MOST_PROBES}`);
if (counter !== count) violations.push(`${count} INCR counted to ${counter}`);

const beforeSilence = opened();
const silentAt = performance.now();
network.loseServerSides();
await Promise.all(clients.map((client) => client.get('counter')));
const recoveredAfter = Math.round(performance.now() - silentAt);
await becomes(
  () => options.authenticator.connections.every(({ stalls: replaced }) => replaced === 1),
  10_000,
);
const replacements = opened() - beforeSilence;
if (replacements > count + MOST_PROBES)
  violations.push(`${count} connections were replaced by ${replacements}`);

console.table({
  clients: count,
  'pause of the server, s': seconds,
  'connections opened in it': probes,
  'all answered after its end, ms': answeredAfter,
  'connections opened for silent ones': replacements,
  'all answered after the silence began, ms': recoveredAfter,
});
for (const violation of violations) console.log(`- ${violation}`);
if (violations.length > 0) process.exitCode = 1;
for (const client of clients) client.disconnect();
options.authenticator.close();
await network.close();
await azure.stop();
