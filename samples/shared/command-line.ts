import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AzureRedisError } from 'ioredis-azure';

type Flags = NonNullable<ParseArgsConfig['options']>;

/** The user gave something that the program cannot use. */
export class UsageError extends Error {}

/**
 * Runs a program: bad input prints one sentence and the usage line and exits with 2; an `AzureRedisError` prints what
 * happened and what to do, and exits with 1.
 */
export async function runProgram(usage: string, main: () => Promise<void>): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(usage);
    return;
  }
  try {
    await main();
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n${usage}`);
      process.exitCode = 2;
    } else if (error instanceof AzureRedisError) {
      console.error(`${error.message}\n${error.hint}`);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}

/**
 * The values of the flags in the command line.
 *
 * @throws UsageError for a flag that is unknown, or has no value.
 */
export function parseFlags<const Options extends Flags>(options: Options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [sentence = error.message] = error.message.split(/(?<=\.) |\n/);
    throw new UsageError(sentence.endsWith('.') ? sentence : `${sentence}.`);
  }
}

/**
 * The number that a flag was given.
 *
 * @throws UsageError if it is not an integer in the range.
 */
export function parseInteger(flag: string, value: string, minimum: number, maximum: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= minimum && number <= maximum) return number;
  throw new UsageError(`${flag} must be an integer from ${minimum} to ${maximum}, got "${value}".`);
}
