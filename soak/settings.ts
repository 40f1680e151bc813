import { parseArgs } from 'node:util';

/** The duration of the soak, and the seed of its faults. */
export interface Settings {
  readonly minutes: number;
  readonly seed: number;
}

const USAGE = `npm run soak -- [--minutes 10] [--seed 42]

  --minutes  for how long, above 0; default: 10
  --seed     a whole number, of which the same faults come each time; default: a random one`;

/** Parses the command line. Prints the usage and ends the process for invalid arguments. */
export function settingsOf(args: readonly string[]): Settings {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
    if (!(minutes > 0)) throw new Error(`--minutes is "${values.minutes}"`);
    if (!Number.isInteger(seed)) throw new Error(`--seed is "${values.seed}"`);
    return { minutes, seed };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}
