import { parseArgs } from 'node:util';
import type { Scale } from './row.js';

export interface Settings {
  readonly scale: Scale;
  /** The names of the rows to run. */
  readonly rows: readonly string[];
}

const FULL: Scale = {
  rounds: 10,
  expiries: 100,
  peerExpiries: 10,
  tokenLifetime: 1_500,
  slice: 400,
  clients: [1, 10, 100, 1_000, 5_000],
  nodes: [1, 3, 6, 12],
  churn: 10_000,
  modules: 20_000,
  isShort: false,
};

/** The counts that must hold on any machine, however loaded: tokens live long enough that a stall of a second evicts no client. */
const SHORT: Scale = {
  ...FULL,
  rounds: 1,
  expiries: 4,
  peerExpiries: 0,
  tokenLifetime: 4_000,
  clients: [1, 100],
  nodes: [1, 3],
  churn: 500,
  isShort: true,
};

/** The usage, for people. */
export function usageOf(rowNames: readonly string[]): string {
  return `npm run bench -- [--only NAME]... [--rounds ${FULL.rounds}] [--expiries ${FULL.expiries}] [--short]

  --only      one row; may be given several times. Default: all of ${rowNames.join(', ')}
  --rounds    how often each ratio is measured, from 1
  --expiries  the token lifetimes that pass while commands and messages are counted, from 1
  --short     what CI runs: only what is counted, never timed, in about two minutes

Without options it takes about 25 minutes on two cores, and writes RESULTS.md and the plots in bench/.`;
}

/**
 * What the command line says; `undefined` if it asks for help.
 *
 * @throws Error with a sentence for the user.
 */
export function settingsOf(args: readonly string[], rowNames: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      expiries: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const scale = values.short ? SHORT : FULL;
  const rounds = wholeNumber('rounds', values.rounds) ?? scale.rounds;
  const expiries = wholeNumber('expiries', values.expiries) ?? scale.expiries;
  const peerExpiries = Math.min(scale.peerExpiries, expiries);
  for (const name of values.only ?? []) {
    if (!rowNames.includes(name))
      throw new Error(`--only must be one of ${rowNames.join(', ')}, got "${name}".`);
  }
  return { scale: { ...scale, rounds, expiries, peerExpiries }, rows: values.only ?? rowNames };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === '' || !Number.isInteger(number) || number < 1)
    throw new Error(`--${name} must be a whole number from 1, got "${text}".`);
  return number;
}
