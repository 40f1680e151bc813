import type { Job } from 'bullmq';

export const KINDS = ['immediate', 'delayed', 'retried', 'repeated'] as const;
export type Kind = (typeof KINDS)[number];

/** The jobs that were added, and how often each was run. BullMQ itself adds the repeated ones. */
export class JobCounts {
  readonly #added = new Map<string, Kind>();
  readonly #runs = new Map<string, number>();
  readonly #attempts = new Map<string, number>();

  added(kind: Kind, id: string): void {
    this.#added.set(id, kind);
  }

  run({ name, id = '', attemptsMade }: Job): void {
    if (name === 'repeated') this.#added.set(id, name);
    const attempt = `${id} ${attemptsMade}`;
    this.#runs.set(attempt, (this.#runs.get(attempt) ?? 0) + 1);
    this.#attempts.set(name, (this.#attempts.get(name) ?? 0) + 1);
  }

  of(kind: Kind): { readonly jobs: number; readonly attempts: number } {
    const jobs = [...this.#added.values()].filter((each) => each === kind).length;
    return { jobs, attempts: this.#attempts.get(kind) ?? 0 };
  }

  deviations(): { readonly lost: number; readonly twice: number } {
    // The second attempt is the last one of a retried job, the first one of any other.
    const last = [...this.#added].map(([id, kind]) => `${id} ${kind === 'retried' ? 1 : 0}`);
    return {
      lost: last.filter((attempt) => !this.#runs.has(attempt)).length,
      twice: [...this.#runs.values()].filter((runs) => runs > 1).length,
    };
  }
}
