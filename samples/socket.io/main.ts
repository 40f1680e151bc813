/** Two Socket.IO servers, whose clients share a room. `npm run sample:socket.io -- --help` shows the options. */
import { setTimeout as sleep } from 'node:timers/promises';
import { configureForAzure } from 'ioredis-azure';
import { parseFlags, runProgram } from '../shared/command-line.js';
import { DURATION_FLAGS, DURATION_USAGE, durationOf } from '../shared/duration.js';
import { reportEvents } from '../shared/report-events.js';
import { reportStatistics } from '../shared/report-statistics.js';
import { stopSignal, withTimeLimit } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { ChatClient } from './chat-client.js';
import { ChatServer } from './chat-server.js';

const USAGE = `Usage: npm run sample:socket.io -- ${DURATION_USAGE} ${TARGET_USAGE}`;
const ROOM = 'lobby';
const CLIENTS_PER_SERVER = 2;
const INTERVAL = 20;
/** How long the last messages may take to arrive. */
const ARRIVAL_TIMEOUT = 10_000;

await runProgram(USAGE, async () => {
  const flags = parseFlags({ ...TARGET_FLAGS, ...DURATION_FLAGS });
  const duration = durationOf(flags);
  const stop = stopSignal();

  await using target = await openTarget(flags);
  const options = await configureForAzure(target.options);
  reportEvents(options.authenticator);

  // Two processes in reality: they share nothing but the identity.
  const servers = await Promise.all([ChatServer.start(options, 0), ChatServer.start(options, 0)]);
  const urls = servers.flatMap(({ url }) => Array<string>(CLIENTS_PER_SERVER).fill(url));
  const clients: ChatClient[] = [];
  try {
    for (const url of urls) clients.push(await ChatClient.join(url, ROOM));
    console.log(`${clients.length} clients of 2 servers in a room, on ${target.description}.`);
    await talk(clients, withTimeLimit(stop, duration));
  } finally {
    for (const client of clients) client.close();
    await Promise.all(servers.map((server) => server.close()));
  }

  const said = sum(clients, 'said');
  const heard = sum(clients, 'heard');
  const repeated = sum(clients, 'repeated');
  const lost = said * clients.length - (heard - repeated);
  console.log(`Messages ${said}, deliveries ${heard}, lost ${lost}, repeated ${repeated}`);
  reportStatistics(target);
  if (lost + repeated > 0) process.exitCode = 1;
});

/** Lets each client say something again and again until `stop` is aborted, and waits for the last messages. */
async function talk(clients: readonly ChatClient[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await Promise.all(clients.map((client) => client.say()));
    await sleep(INTERVAL, undefined, { signal: stop }).catch(() => undefined);
  }
  const deadline = Date.now() + ARRIVAL_TIMEOUT;
  const expected = sum(clients, 'said');
  while (clients.some(({ heard }) => heard < expected) && Date.now() < deadline) await sleep(INTERVAL);
}

function sum(clients: readonly ChatClient[], count: 'said' | 'heard' | 'repeated'): number {
  return clients.reduce((total, client) => total + client[count], 0);
}
