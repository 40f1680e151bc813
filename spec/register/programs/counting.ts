import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

interface CountingClient {
  incr(key: string): Promise<number>;
  quit(): Promise<unknown>;
}

const ended = once(process, 'SIGTERM');
let isEnding = false;
void ended.then(() => (isEnding = true));

/** Does its work again and again until SIGTERM, at least once, and returns how often it has. */
export async function repeat(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  do {
    await work();
    count += 1;
    await sleep(5);
  } while (!isEnding);
  return count;
}

/** Increments a counter with each client until SIGTERM, then prints how often each was incremented. */
export async function count(clients: Readonly<Record<string, CountingClient>>): Promise<void> {
  const counting = Object.entries(clients).map(async ([name, client]) => {
    const times = await repeat(() => client.incr(name));
    await client.quit();
    return [name, times];
  });
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(counting))));
}
