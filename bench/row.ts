import type { TopLevelSpec } from 'vega-lite';
import type { Result } from './result.js';

/** How much is measured. */
export interface Scale {
  readonly rounds: number;
  /** The token lifetimes that pass while commands and messages are counted. */
  readonly expiries: number;
  /** The same for the other libraries, whose counts are a comparison only. */
  readonly peerExpiries: number;
  /** The lifetime of these tokens, in ms. */
  readonly tokenLifetime: number;
  /** How long each client is measured in one round, in ms. */
  readonly slice: number;
  /** The numbers of clients on one authenticator. */
  readonly clients: readonly number[];
  /** The numbers of nodes of a cluster. */
  readonly nodes: readonly number[];
  /** The number of clients that come and go. */
  readonly churn: number;
  /** The number of modules that are loaded when a client is created. */
  readonly modules: number;
  /** Whether only what must hold on any machine is measured. */
  readonly isShort: boolean;
}

/** A plot of the results of a row. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  readonly spec: TopLevelSpec;
}

export interface RowOutcome {
  readonly results: readonly Result[];
  readonly plots?: readonly Plot[];
}

/** A part of the benchmark. */
export interface Row {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** How it was measured, for the reader of the results. */
  readonly method: string;
  /** Whether the short form includes it: what it counts does not depend on the machine. */
  readonly isCounted?: boolean;
  run(scale: Scale, progress: (text: string) => void): Promise<RowOutcome>;
}
