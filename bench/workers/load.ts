/** One client, and the commands whose throughput and latency are measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuTimeSince } from '../cpu-time.js';
import { connectPeer } from '../peers/index.js';
import type { PeerClient, PeerSettings } from '../peers/peer.js';
import { serve } from '../remote.js';

export type Workload = 'single' | 'pipeline' | 'autopipelining';

export interface LoadRequest {
  readonly workload: Workload;
  readonly callers: number;
  /** In ms. */
  readonly duration: number;
}

/** Commands per second, of the clock and of the CPU time of this process. */
export interface Rates {
  readonly byClock: number;
  readonly byCpu: number;
}

/** The commands of one pipeline, and those that are sent in one tick and so pipelined automatically. */
const BATCH = 20;
const KEYS = Array.from({ length: BATCH }, (_, index) => `key:${index}`);

let client: PeerClient | undefined;

await serve({
  async connect(settings: PeerSettings) {
    await client?.close();
    client = await connectPeer(settings);
  },
  throughput,
  latency,
});

function connected(): PeerClient {
  if (!client) throw new Error('not connected');
  return client;
}

async function throughput({ workload, callers, duration }: LoadRequest): Promise<Rates> {
  const peer = connected();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let commands = 0;
  const call = async (): Promise<void> => {
    while (performance.now() - startedAt < duration) {
      if (workload === 'single') {
        await peer.get('key:0');
        commands += 1;
        continue;
      }
      await (workload === 'pipeline' ? peer.pipeline(KEYS) : Promise.all(KEYS.map((key) => peer.get(key))));
      commands += BATCH;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const cpuTime = cpuTimeSince(cpuBefore);
  return {
    byClock: commands / ((performance.now() - startedAt) / 1_000),
    byCpu: commands / (cpuTime / 1_000),
  };
}

/** The time of each command, in ms, of a moderate load: each caller pauses for a millisecond after each command. */
async function latency({ callers, duration }: LoadRequest): Promise<number[]> {
  const peer = connected();
  const startedAt = performance.now();
  const times: number[] = [];
  const call = async (): Promise<void> => {
    while (performance.now() - startedAt < duration) {
      const sentAt = performance.now();
      await peer.get('key:0');
      times.push(performance.now() - sentAt);
      await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return times;
}
