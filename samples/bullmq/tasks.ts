/** The kinds of jobs of this sample. */
export const KINDS = ['immediate', 'delayed', 'retried', 'repeated'] as const;

export type Kind = (typeof KINDS)[number];

/** The data of a job. Jobs of one kind are numbered from 1; those of the scheduler are numbered by BullMQ. */
export interface Task {
  readonly kind: Kind;
  readonly number?: number;
}

/** How often a job of each kind runs until it succeeds. */
export const ATTEMPTS: Readonly<Record<Kind, number>> = { immediate: 1, delayed: 1, retried: 2, repeated: 1 };
