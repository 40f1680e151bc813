import { setTimeout as sleep } from 'node:timers/promises';

/** A report, with the process and time of its computation. */
export interface Report {
  readonly name: string;
  readonly title: string;
  readonly computedAt: string;
  readonly process: number;
  /** How many reports this process has computed, this one included. */
  readonly computation: number;
}

const TITLES: Readonly<Record<string, string>> = { de: 'Bericht', en: 'Report', fr: 'Rapport' };

/** The languages of reports, the preferred one first. */
export const LANGUAGES = ['en', 'de', 'fr'];

/** Stands for what is worth caching: a slow query. */
export class Reports {
  readonly #duration: number;
  #computations = 0;

  /** @param duration How long a computation takes, in ms. */
  constructor(duration: number) {
    this.#duration = duration;
  }

  async compute(name: string, language: string): Promise<Report> {
    this.#computations += 1;
    const computation = this.#computations;
    await sleep(this.#duration);
    const title = `${TITLES[language] ?? 'Report'}: ${name}`;
    return { name, title, computedAt: new Date().toISOString(), process: process.pid, computation };
  }
}
