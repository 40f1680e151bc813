import type { Cluster, Redis } from 'ioredis';
import { ATTEMPTS, type Kind } from './tasks.js';

/** Attempts that should have been made, and were not, or more than once. */
export interface Deviations {
  readonly missing: number;
  readonly repeated: number;
}

/** Each attempt of each job, counted in Redis by the worker that makes it. */
export class Ledger {
  readonly #client: Redis | Cluster;
  readonly #key: string;
  readonly #attempts = new Map<Kind, number>();

  constructor(client: Redis | Cluster, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /** Counts an attempt before it is made. */
  async record(kind: Kind, number: number, attempt: number): Promise<void> {
    await this.#client.hincrby(this.#key, fieldOf(kind, number, attempt), 1);
    this.#attempts.set(kind, this.attempts(kind) + 1);
  }

  /** The attempts of this process. */
  attempts(kind: Kind): number {
    return this.#attempts.get(kind) ?? 0;
  }

  /** Compares the attempts with the jobs that were added: so many of each kind, numbered from 1. */
  async compare(added: ReadonlyMap<Kind, number>): Promise<Deviations> {
    const counts = new Map(Object.entries(await this.#client.hgetall(this.#key)));
    const expected = [...added].flatMap(([kind, jobs]) => fieldsOf(kind, jobs));
    return {
      missing: expected.filter((field) => !counts.has(field)).length,
      repeated: [...counts.values()].filter((count) => Number(count) > 1).length,
    };
  }

  async delete(): Promise<void> {
    await this.#client.unlink(this.#key);
  }
}

function fieldsOf(kind: Kind, jobs: number): string[] {
  const fields: string[] = [];
  for (let number = 1; number <= jobs; number += 1) {
    for (let attempt = 1; attempt <= ATTEMPTS[kind]; attempt += 1) {
      fields.push(fieldOf(kind, number, attempt));
    }
  }
  return fields;
}

function fieldOf(kind: Kind, number: number, attempt: number): string {
  return `${kind}:${number}:${attempt}`;
}
