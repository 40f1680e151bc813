/** What a command costs, without a server: two copies of ioredis in one process, of which this package may hook one. */
import { randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { TokenCredential } from '@azure/core-auth';
import { type AbstractConnector, Redis } from 'ioredis';
import { Redis as OtherRedis } from 'ioredis-6.0.0';
import { cpuTimeSince } from '../cpu-time.js';
import { configureForAzure } from '../package.js';
import { serve } from '../remote.js';
import { median } from '../statistics.js';
import type { Workload } from './load.js';

export interface HotPathRequest {
  /** Whether the one client is managed; otherwise it differs from the other one in nothing. */
  readonly isManaged: boolean;
  readonly workload: Workload;
}

/** The CPU time of a command, in ns. */
export interface HotPathOutcome {
  readonly plain: number;
  /** By how much a command of the one client costs more than one of the other, which is plain. */
  readonly more: number;
}

const COMMANDS = 4_000;

/** How often each client sends them. */
const BLOCKS = 60;

/** In these blocks V8 compiles the functions. */
const WARM_UP = 30;

/** The commands of one pipeline, and those that are sent in one tick and so pipelined automatically. */
const BATCH = 20;

const COMMON = {
  host: 'localhost',
  port: 6379,
  protocol: 2,
  enableReadyCheck: false,
  disableClientInfo: true,
} as const;

/** In ms. */
const LIFETIME = 24 * 3_600_000;

await serve({
  async measure({ isManaged, workload }: HotPathRequest): Promise<HotPathOutcome> {
    const options = {
      ...COMMON,
      enableAutoPipelining: workload === 'autopipelining',
      // Has what ioredis uses of a connector, though not its private state.
      Connector: Answering as unknown as new (options: unknown) => AbstractConnector,
    };
    const own = new Redis(
      isManaged ? await configureForAzure({ ...options, tls: false, credential: credential() }) : options,
    );
    const plain: Redis = new OtherRedis(options);
    const differences: number[] = [];
    const floor: number[] = [];
    for (let block = -WARM_UP; block < BLOCKS; block += 1) {
      const order = block % 2 === 0 ? [plain, own] : [own, plain];
      const times = new Map<Redis, number>();
      for (const client of order) times.set(client, await cpuTimeOf(() => send(client, workload)));
      if (block < 0) continue;
      const ofPlain = times.get(plain) ?? NaN;
      floor.push(ofPlain);
      differences.push((times.get(own) ?? NaN) - ofPlain);
    }
    return { plain: median(floor) / COMMANDS, more: median(differences) / COMMANDS };
  },
});

/** An identity whose token outlives the process. */
function credential(): TokenCredential {
  const claims = Buffer.from(JSON.stringify({ oid: randomUUID() })).toString('base64url');
  const accessToken = { token: `e30.${claims}.signature`, expiresOnTimestamp: Date.now() + LIFETIME };
  return { getToken: () => Promise.resolve(accessToken) };
}

async function send(client: Redis, workload: Workload): Promise<void> {
  if (workload === 'single') {
    for (let sent = 0; sent < COMMANDS; sent += 1) await client.get('key');
    return;
  }
  for (let sent = 0; sent < COMMANDS; sent += BATCH) {
    if (workload === 'autopipelining') {
      await Promise.all(Array.from({ length: BATCH }, () => client.get('key')));
    } else {
      const pipeline = client.pipeline();
      for (let index = 0; index < BATCH; index += 1) pipeline.get('key');
      await pipeline.exec();
    }
  }
}

/** In ns. */
async function cpuTimeOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  return cpuTimeSince(before) * 1e6;
}

/** Opens no socket: a stream that answers each command with OK. */
class Answering {
  connect(): Promise<Duplex> {
    const stream: Duplex = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        let commands = 0;
        for (let at = chunk.indexOf('*'); at !== -1; at = chunk.indexOf('*', at + 1)) commands += 1;
        stream.push('+OK\r\n'.repeat(commands));
        done();
      },
    });
    return Promise.resolve(Object.assign(stream, { setNoDelay: () => stream, setKeepAlive: () => stream }));
  }

  check(): boolean {
    return true;
  }

  disconnect(): void {
    // There is nothing to close.
  }
}
