import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AzureRedisError } from 'ioredis-azure';

type Flags = NonNullable<ParseArgsConfig['options']>;

/** The user gave something that the program cannot use. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user gave `--help`. */
class HelpRequest extends Error {}

/** Reasons of an `AzureRedisError` that are mistakes in the command line. */
const USAGE_CODES = ['INVALID_OPTION', 'INVALID_HOST', 'MISSING_PORT', 'CONFLICTING_OPTIONS'];

/**
 * Runs a program: bad input prints one sentence and the usage line and exits with 2; any other `AzureRedisError` prints
 * what happened and what to do, and exits with 1. `--help` prints the usage line.
 */
export async function runProgram(usage: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof HelpRequest) {
      console.log(usage);
    } else if (error instanceof AzureRedisError) {
      const isUsageError = USAGE_CODES.includes(error.code);
      console.error(`${error.message}\n${error.hint}${isUsageError ? `\n${usage}` : ''}`);
      process.exitCode = isUsageError ? 2 : 1;
    } else if (error instanceof Error && error.name === 'UsageError') {
      console.error(`${error.message}\n${usage}`);
      process.exitCode = 2;
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
  if (process.argv.includes('--help')) throw new HelpRequest();
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
