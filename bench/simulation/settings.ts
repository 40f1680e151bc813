import { parseArgs } from 'node:util';

export interface SimulationSettings {
  readonly processes: number;
  readonly clients: number;
  /** How long the identity service is out, in ms. */
  readonly outage: number;
}

const MINUTE = 60_000;

/** An outage may begin at noon and end before the failover. */
const LONGEST_OUTAGE = 300;

export const USAGE = `npm run simulate -- [--processes 10000] [--clients 10] [--outage 120]

  --processes  the processes of the fleet, from 1
  --clients    the clients of each process, from 1
  --outage     how long the identity service is out at noon, in minutes, 0 to ${LONGEST_OUTAGE}`;

/**
 * What the command line says; `undefined` if it asks for help.
 *
 * @throws Error with a sentence for the user.
 */
export function simulationSettingsOf(args: readonly string[]): SimulationSettings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      processes: { type: 'string', default: '10000' },
      clients: { type: 'string', default: '10' },
      outage: { type: 'string', default: '120' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  return {
    processes: wholeNumber('processes', values.processes, 1, 1_000_000),
    clients: wholeNumber('clients', values.clients, 1, 10_000),
    outage: wholeNumber('outage', values.outage, 0, LONGEST_OUTAGE) * MINUTE,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}, got "${text}".`);
}
