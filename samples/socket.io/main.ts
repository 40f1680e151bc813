/** Two Socket.IO servers, whose clients share a room. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChatClient } from './chat-client.js';
import { ChatServer } from './chat-server.js';
import { start } from './start.js';

/** How long the last messages may take to arrive, in ms. */
const ARRIVAL_TIMEOUT = 2_000;

await start({}, async ({ options, flags, stopping }) => {
  // Two processes in reality.
  const startServer = () => ChatServer.start(options, flags.prefix, 0);
  const servers = await Promise.all([startServer(), startServer()]);
  const clients: ChatClient[] = [];
  for (const { url } of [...servers, ...servers]) clients.push(await ChatClient.join(url));
  console.log(`${clients.length} clients of 2 servers are in a room.`);

  for (let round = 1; !stopping.aborted; round += 1) {
    await Promise.all(clients.map((client) => client.say()));
    if (round % 10 === 0) {
      const areHeard = clients.every((client) => client.latestOf(clients.length) > round - 10);
      process.stdout.write(areHeard ? '+' : '-');
    }
    await sleep(20, undefined, { signal: stopping }).catch(() => undefined);
  }
  const said = clients.reduce((total, client) => total + client.said, 0);
  const deadline = Date.now() + ARRIVAL_TIMEOUT;
  while (clients.some(({ heard }) => heard < said) && Date.now() < deadline) await sleep(20);
  for (const client of clients) client.close();
  await Promise.all(servers.map((server) => server.close()));

  const heard = clients.reduce((total, client) => total + client.heard, 0);
  const repeated = clients.reduce((total, client) => total + client.repeated, 0);
  const lost = said * clients.length - (heard - repeated);
  console.log(`\nMessages ${said}, deliveries ${heard}, lost ${lost}, repeated ${repeated}`);
});
