import { type EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Authenticator, ConfiguredRedisOptions } from '../../lib/index.js';

/** The first argument of the next event of this name. */
export async function next<Result = unknown>(emitter: object, name: string): Promise<Result> {
  // ioredis' types do not say that its clients are event emitters.
  const [first] = (await once(emitter as EventEmitter, name)) as [Result];
  return first;
}

/**
 * The first argument of the next event of this name that meets the condition. None is missed, although several may be
 * emitted in one turn, and an `error` event does not end the wait.
 */
export function nextWhere<Result>(
  emitter: object,
  name: string,
  isWanted: (value: Result) => boolean,
): Promise<Result> {
  return new Promise((resolve) => {
    const listener = (value: Result): void => {
      if (!isWanted(value)) return;
      (emitter as EventEmitter).off(name, listener);
      resolve(value);
    };
    (emitter as EventEmitter).on(name, listener);
  });
}

/** Resolves after this many events of this name. */
export async function times(count: number, emitter: object, name: string): Promise<void> {
  await new Promise<void>((resolve) => {
    let left = count;
    const listener = (): void => {
      left -= 1;
      if (left > 0) return;
      (emitter as EventEmitter).off(name, listener);
      resolve();
    };
    (emitter as EventEmitter).on(name, listener);
  });
}

/** Resolves when the wall clock has passed this time. */
export async function past(moment: Date): Promise<void> {
  while (Date.now() <= moment.getTime()) await sleep(moment.getTime() - Date.now() + 1);
}

/** Resolves when this many tokens have expired, one after another, each of which was the current one. */
export async function expiries(count: number, authenticator: Authenticator): Promise<void> {
  for (let ended = 0; ended < count; ended += 1) await past(authenticator.expiresOn);
}

/** Resolves once the condition holds; for conditions without an event. The timeout of mocha limits it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}

/** Resolves at the client's next event of this name, regardless of earlier errors. */
export async function happens(client: Redis, name: string): Promise<void> {
  await new Promise((resolve) => client.once(name, resolve));
}

/** Whether every connection is logged in with the newest token. */
export function areRenewed({ connections, expiresOn: newest }: Authenticator): boolean {
  return connections.every(({ expiresOn }) => expiresOn?.getTime() === newest.getTime());
}

/** Resolves when every connection of these options is logged in with the newest token. */
export async function allRenewed({
  authenticator,
}: Pick<ConfiguredRedisOptions, 'authenticator'>): Promise<void> {
  await until(() => areRenewed(authenticator));
}
