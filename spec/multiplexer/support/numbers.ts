import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Multiplexer } from '../../../lib/index.js';
import type { Multiplexers } from './multiplexers.js';

/** Connects a multiplexer over RESP2, with an identity of its own. */
export async function connect(
  multiplexers: Multiplexers,
): Promise<{ multiplexer: Multiplexer<Redis>; oid: string }> {
  const credential = multiplexers.azure.credential();
  const multiplexer = await multiplexers.connect({ protocol: 2, credential });
  return { multiplexer, oid: credential.oid };
}

/** Subscribes to the channel `news`, and collects its numbers. */
export async function receiveNumbers(
  multiplexer: Multiplexer<Redis>,
  received?: () => void,
): Promise<number[]> {
  const numbers: number[] = [];
  await multiplexer.subscribe('news', (text) => {
    numbers.push(Number(text));
    received?.();
  });
  return numbers;
}

/** Publishes numbers to a channel, past the endpoint, until the returned function is called, which resolves to their count. */
export function publishNumbers(multiplexers: Multiplexers, channel: string): () => Promise<number> {
  const stopping = new AbortController();
  const publishing = (async () => {
    let count = 0;
    for (; !stopping.signal.aborted; count += 1) {
      await multiplexers.azure.server.call('PUBLISH', channel, String(count));
      await sleep(1);
    }
    return count;
  })();
  return () => {
    stopping.abort();
    return publishing;
  };
}

/** Each number once, in the order of its first arrival. */
export function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)];
}

/** The numbers from 0, so many. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
