import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Ledger } from '../ledger.js';
import type { Random } from '../random.js';

/** A part of the population, which works in windows. */
export interface Workload {
  start(): void;
  /** Resolves when all pending work is done and checked. */
  pause(): Promise<void>;
  /** Resolves when it is served. */
  served(): Promise<unknown>;
}

/** The dependencies of a workload. */
export interface Surroundings {
  /** Sends a command to the server of this key or channel directly. */
  readonly call: (command: string, key: string, ...args: readonly (string | number)[]) => Promise<unknown>;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** The time within which messages sent before a pause arrive, in ms. */
export const DELIVERY = 3_000;

/** Resolves when a PING is answered. Those behind a login that was sent before the end of a fault may be rejected with it. */
export async function answers(client: Redis): Promise<void> {
  const isAnswered = (): Promise<boolean> =>
    client.ping().then(
      () => true,
      () => false,
    );
  while (!(await isAnswered())) await sleep(20);
}
