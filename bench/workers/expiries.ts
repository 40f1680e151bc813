/** Clients under load while their tokens expire; what they were told is counted. */
import { Arrivals } from '../counting.js';
import { connectPeer, connectSubscriber } from '../peers/index.js';
import type { PeerClient, PeerSettings } from '../peers/peer.js';
import { serve } from '../remote.js';

export type BlockingCommand = 'BLPOP' | 'BLMOVE' | 'XREAD';

export interface CommandLoad {
  readonly peer: PeerSettings;
  readonly key: string;
  readonly callers: number;
}

export interface SubscriberRequest {
  readonly peer: PeerSettings;
  readonly channels: readonly string[];
}

export interface BlockingRequest {
  readonly peer: PeerSettings;
  readonly command: BlockingCommand;
  readonly queue: string;
}

export interface CommandOutcome {
  readonly answered: number;
  readonly failed: number;
}

export interface ArrivalOutcome {
  readonly received: number;
  readonly lost: number;
  readonly repeated: number;
  readonly failed: number;
}

/** How long after a failed command the next one is sent, in ms. */
const PAUSE_AFTER_FAILURE = 5;

const clients: Pick<PeerClient, 'close'>[] = [];
const outcomes: { answered: number; failed: number }[] = [];
const arrivals: { readonly numbers: Arrivals; failed: number }[] = [];
let isRunning = true;
const callers: Promise<void>[] = [];

await serve({
  startCommands,
  startSubscriber,
  startBlocking,
  async stopCommands() {
    isRunning = false;
    await Promise.all(callers);
    return outcomes;
  },
  /** What has arrived by now of numbers up to `sent`, for each subscriber's channels, or each blocking worker, in order. */
  arrivals: (sent: readonly number[]) =>
    arrivals.map(({ numbers, failed }, index) => ({
      received: numbers.received,
      lost: numbers.lost(sent[index] ?? 0),
      repeated: numbers.repeated,
      failed,
    })),
  async close() {
    isRunning = false;
    for (const client of clients) await client.close();
  },
});

async function startCommands({ peer, key, callers: count }: CommandLoad): Promise<void> {
  const client = await connectPeer(peer);
  clients.push(client);
  const outcome = { answered: 0, failed: 0 };
  outcomes.push(outcome);
  const call = async (): Promise<void> => {
    while (isRunning) {
      try {
        await client.incr(key);
        outcome.answered += 1;
      } catch {
        outcome.failed += 1;
        await pause();
      }
    }
  };
  for (let index = 0; index < count; index += 1) callers.push(call());
}

async function startSubscriber({ peer, channels }: SubscriberRequest): Promise<void> {
  const client = await connectSubscriber(peer);
  clients.push(client);
  for (const channel of channels) {
    const numbers = new Arrivals();
    arrivals.push({ numbers, failed: 0 });
    await client.subscribe(channel, (message) => {
      numbers.add(Number(message));
    });
  }
}

async function startBlocking({ peer, command, queue }: BlockingRequest): Promise<void> {
  const client = await connectPeer(peer);
  clients.push(client);
  const outcome = { numbers: new Arrivals(), failed: 0 };
  arrivals.push(outcome);
  let last = '0';
  const next = async (): Promise<void> => {
    if (command === 'XREAD') {
      for (const { id, value } of await client.readAfter(queue, last)) {
        last = id;
        outcome.numbers.add(Number(value));
      }
      return;
    }
    const item = command === 'BLPOP' ? await client.pop(queue) : await client.move(queue, `${queue}:done`);
    if (item !== undefined) outcome.numbers.add(Number(item));
  };
  const work = async (): Promise<void> => {
    while (isRunning) {
      try {
        await next();
      } catch {
        outcome.failed += 1;
        await pause();
      }
    }
  };
  void work();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE));
}
