/** The emulator, and the redis-server behind it, in a process of their own. It supplies tokens and the load of other parties. */
import { AzureRedisEmulator, type AzureRedisEmulatorOptions } from '../emulator/index.js';
import { LoadGenerator, type Load } from './load-generator.js';
import { serve } from './remote.js';

const SCOPE = 'https://redis.azure.com/.default';

let azure: AzureRedisEmulator | undefined;
const loads: LoadGenerator[] = [];

function emulator(): AzureRedisEmulator {
  if (!azure) throw new Error('the emulator has not been started');
  return azure;
}

await serve({
  async start(options: AzureRedisEmulatorOptions) {
    azure = await AzureRedisEmulator.start(options);
    const { host, port, ca, accessKey } = azure;
    return { host, port, ca, accessKey };
  },
  token: () => emulator().options.credential.getToken(SCOPE),
  statistics() {
    const { connections, logins, refusals, evictions, tokenRequests, open } = emulator().statistics;
    return {
      connections: connections.length,
      logins: logins.length,
      loginTimes: logins.map(({ at }) => at.getTime()),
      refusals: refusals.length,
      evictions: evictions.length,
      tokenRequests: tokenRequests.length,
      open: open.length,
    };
  },
  call: ({ command }: { command: [string, ...string[]] }) => emulator().server.call(...command),
  identityDown() {
    emulator().identityDown();
  },
  identityRestored() {
    emulator().identityRestored();
  },
  dropConnections() {
    emulator().dropConnections();
  },
  startLoads(wanted: readonly Load[]) {
    const { server } = emulator();
    loads.push(...wanted.map((load) => LoadGenerator.start(load, (...command) => server.call(...command))));
  },
  /** How much each load has sent. */
  stopLoads: () => Promise.all(loads.splice(0).map((load) => load.stop())),
  async stop() {
    await azure?.stop();
    azure = undefined;
  },
});
