/** Many clients on one authenticator: memory, re-authentication, recovery. */
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Authenticator } from '../../lib/index.js';
import type { CacheAddress } from '../cache.js';
import { configureForAzure } from '../package.js';
import { azureOptions, endpointOf } from '../peers/ioredis.js';
import { serve } from '../remote.js';

export interface ClientsRequest {
  readonly cache: CacheAddress;
  readonly count: number;
  /** Whether this package logs them in; otherwise an access key does. */
  readonly isManaged: boolean;
  /** The interval of the PINGs of managed clients, in ms. Default: that of the library. */
  readonly heartbeatInterval?: number;
}

export interface ReauthenticationOutcome {
  /** The time over which the AUTHs are spread, and that from the token to the last of them, in ms. */
  readonly spread: number;
  readonly duration: number;
  /** The longest delays of the event loop, in ms, while nothing happens and during the re-authentication. */
  readonly idleDelay: number;
  readonly delay: number;
}

/** How many connect at the same time: the cache is not part of what is measured. */
const BATCH = 50;

/** The share of the remaining life of a token over which AUTHs are spread, and its limit in ms: see docs/scale.md. */
const SPREAD_SHARE = 1 / 4;
const MAX_SPREAD = 60_000;

/** For how long an idle event loop is observed, in ms. */
const IDLE = 3_000;

/** The resolution of the observation, in ms. */
const RESOLUTION = 1;

const clients: Redis[] = [];
let authenticator: Authenticator | undefined;
let createClient = (): Redis => {
  throw new Error('not configured');
};
let replies: Promise<unknown> | undefined;

await serve({
  async configure({ cache, isManaged, heartbeatInterval }: ClientsRequest) {
    if (isManaged) {
      const configured = await configureForAzure({
        ...azureOptions({ peer: 'ioredis-azure', ioredis: 6, protocol: 3, cache }),
        maxRetriesPerRequest: null,
        ...(heartbeatInterval !== undefined && { heartbeatInterval }),
      });
      ({ authenticator } = configured);
      createClient = () => new Redis(configured);
    } else {
      const plain = { ...endpointOf(cache), password: cache.accessKey, maxRetriesPerRequest: null };
      createClient = () => new Redis(plain);
    }
  },
  open,
  /** The bytes of the heap that are in use. */
  heap,
  async churn({ count }: { count: number }) {
    for (let ended = 0; ended < count; ended += BATCH) {
      await open({ count: BATCH });
      const gone = clients.splice(-BATCH).map((client) => {
        client.disconnect();
        return once(client, 'end');
      });
      await Promise.all(gone);
    }
  },
  reauthenticate,
  /** The longest delay of the event loop, in ms, while the application does nothing. */
  idle: ({ duration }: { duration: number }) => longestDelay(() => sleep(duration)),
  /** Every client sends a command, which waits for a connection. */
  sendAll() {
    replies = Promise.all(clients.map((client) => client.ping()));
    replies.catch(() => undefined);
  },
  async allReplied() {
    await replies;
  },
  close() {
    for (const client of clients.splice(0)) client.disconnect();
    authenticator?.close();
  },
});

async function open({ count }: { count: number }): Promise<void> {
  for (let opened = 0; opened < count; opened += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - opened) }, () => newClient());
    clients.push(...batch);
    await Promise.all(batch.map((client) => once(client, 'ready')));
  }
}

function newClient(): Redis {
  const client = createClient();
  client.on('error', () => undefined);
  return client;
}

async function heap(): Promise<number> {
  for (let pass = 0; pass < 4; pass += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage().heapUsed;
}

/** Refreshes the token, and waits until every client is logged in with it. */
async function reauthenticate(): Promise<ReauthenticationOutcome> {
  if (!authenticator) throw new Error('these clients have no authenticator');
  const idleDelay = await longestDelay(() => sleep(IDLE));
  const owner = authenticator;
  const left = owner.expiresOn.getTime() - Date.now();
  let missing = clients.length;
  const done = new Promise<void>((resolve) => {
    owner.on('reauthenticated', () => {
      missing -= 1;
      if (missing === 0) resolve();
    });
  });
  const startedAt = performance.now();
  const delay = await longestDelay(async () => {
    await owner.refresh();
    await done;
  });
  owner.removeAllListeners('reauthenticated');
  const duration = performance.now() - startedAt;
  return { spread: Math.min(MAX_SPREAD, left * SPREAD_SHARE), duration, idleDelay, delay };
}

async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram.max / 1e6 - RESOLUTION;
}
