import { Command, CommanderError } from 'commander';
import { addIdentityFlags, type IdentityFlags } from '../../cli/identity-flags.js';
import { UsageError } from '../shared/command-line.js';

export const USAGE =
  'Usage: npm run sample:connect -- [--host HOST [--port N] [--cluster] [--identity KIND …]] [--ask] [--count N]   (--help explains all flags)';

/** The flags of the sample. Those of the identity are the same as those of the command `ioredis-azure doctor`. */
export interface ConnectFlags extends IdentityFlags {
  readonly host?: string;
  readonly port?: string;
  readonly cluster?: boolean;
  readonly ask?: boolean;
  readonly count?: string;
}

/**
 * Parses the command line; prints the help and returns nothing if it is requested.
 *
 * @throws UsageError
 */
export function readFlags(args: readonly string[]): ConnectFlags | undefined {
  const command = new Command('npm run sample:connect --')
    .description('Connects to a cache, runs a command each second, and says what happens and what to do.')
    .option('--host <host>', 'host name of the cache; without it, the emulator on this machine is used')
    .option('--port <port>', 'port of the cache; default: that of the host suffix')
    .option('--cluster', 'the cache has the OSS cluster policy, or is a clustered Premium cache')
    .option('--ask', 'ask for what is not given; default on a terminal when there are no flags')
    .option('--count <n>', 'end after so many commands; default: end with Ctrl+C')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  addIdentityFlags(command);
  try {
    return command.parse(args, { from: 'user' }).opts<ConnectFlags>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new UsageError(sentence(error.message.replace(/^error: /, '')));
  }
}

function sentence(text: string): string {
  const capitalized = text.charAt(0).toUpperCase() + text.slice(1);
  return capitalized.endsWith('.') ? capitalized : `${capitalized}.`;
}
