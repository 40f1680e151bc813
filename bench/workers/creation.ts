/** The time to create a client, in a process with many modules. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { configureForAzure } from '../package.js';
import { azureOptions, endpointOf } from '../peers/ioredis.js';
import { cpuTimeSince } from '../cpu-time.js';
import { serve } from '../remote.js';
import type { ClientsRequest } from './clients.js';

export interface CreationOutcome {
  /** The CPU time of `new Redis()`, and that until the client is ready, in ms. */
  readonly created: number;
  readonly ready: number;
}

/** How many clients are created in one go. */
const BATCH = 100;

let createClient: () => Redis;

await serve({
  async configure({ cache, isManaged, modules }: ClientsRequest & { modules: number }) {
    await loadModules(modules);
    if (isManaged) {
      const configured = await configureForAzure(
        azureOptions({ peer: 'ioredis-azure', ioredis: 6, protocol: 3, cache }),
      );
      createClient = () => new Redis(configured);
    } else {
      const plain = { ...endpointOf(cache), username: 'default', password: cache.accessKey };
      createClient = () => new Redis(plain);
    }
  },
  async measure(): Promise<CreationOutcome> {
    const before = process.cpuUsage();
    const clients = Array.from({ length: BATCH }, () => createClient());
    const created = cpuTimeSince(before);
    await Promise.all(clients.map((client) => once(client, 'ready')));
    const ready = cpuTimeSince(before);
    await Promise.all(
      clients.map((client) => {
        client.disconnect();
        return once(client, 'end');
      }),
    );
    return { created: created / BATCH, ready: ready / BATCH };
  },
});

async function loadModules(count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-modules-'));
  const require = createRequire(join(folder, 'main.js'));
  for (let index = 0; index < count; index += 1) {
    const file = join(folder, `module-${index}.js`);
    await writeFile(file, `exports.number = ${index};`);
    require(file);
  }
  await rm(folder, { recursive: true });
}
