import type { Job } from 'bullmq';

export const KINDS = ['immediate', 'delayed', 'retried', 'repeated'] as const;
export type Kind = (typeof KINDS)[number];

/** The jobs that were added, and how often each was completed. BullMQ itself adds the repeated ones. */
export class JobCounts {
  readonly #added = new Map<string, Kind>();
  readonly #completed = new Map<string, number>();
  readonly #attempts = new Map<string, number>();

  added(kind: Kind, id: string): void {
    this.#added.set(id, kind);
  }

  attempted({ name, id = '' }: Job): void {
    if (name === 'repeated') this.#added.set(id, name);
    this.#attempts.set(name, (this.#attempts.get(name) ?? 0) + 1);
  }

  completed({ id = '' }: Job): void {
    this.#completed.set(id, (this.#completed.get(id) ?? 0) + 1);
  }

  of(kind: Kind): { readonly jobs: number; readonly attempts: number } {
    const jobs = [...this.#added.values()].filter((each) => each === kind).length;
    return { jobs, attempts: this.#attempts.get(kind) ?? 0 };
  }

  deviations(): { readonly lost: number; readonly twice: number } {
    return {
      lost: [...this.#added.keys()].filter((id) => !this.#completed.has(id)).length,
      twice: [...this.#completed.values()].filter((times) => times > 1).length,
    };
  }
}
