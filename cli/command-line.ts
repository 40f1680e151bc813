import { Command, CommanderError } from 'commander';
import { VERSION } from '../lib/version.js';
import { addDoctorCommand } from './doctor/command.js';
import { addEmulatorCommand } from './emulator/command.js';
import { ExitCode } from './exit-code.js';
import { Output } from './output.js';
import { UsageError } from './usage-error.js';

/** Reasons of an `AzureRedisError` that are mistakes in the arguments. */
const USAGE_CODES: readonly string[] = [
  'INVALID_OPTION',
  'INVALID_HOST',
  'MISSING_PORT',
  'CONFLICTING_OPTIONS',
];

/** Runs the command with these arguments. It sets the exit code of the process; a subcommand may have set it before. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  const program = createProgram();
  let running = program;
  program.hook('preAction', (_, command) => {
    running = command;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = await report(error, running);
  }
}

function createProgram(): Command {
  const program = new Command('ioredis-azure')
    .description('Azure Redis with Microsoft Entra ID, on the command line.')
    .version(VERSION, '-v, --version')
    .enablePositionalOptions()
    .configureOutput({
      outputError: (message, write) => {
        write(message.replace(/^error: /, 'ioredis-azure: '));
      },
    })
    .exitOverride();
  addDoctorCommand(program);
  addEmulatorCommand(program);
  showUsageAfterErrors(program);
  return program;
}

function showUsageAfterErrors(command: Command): void {
  command.showHelpAfterError(`Usage: ${command.createHelp().commandUsage(command)}`);
  for (const subcommand of command.commands) showUsageAfterErrors(subcommand);
}

async function report(error: unknown, running: Command): Promise<ExitCode> {
  // Commander has printed its own errors; help and version end a command as errors do.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.success : ExitCode.usage;
  if (error instanceof UsageError) return reportUsage(error.message, running);
  const { AzureRedisError } = await import('ioredis-azure');
  if (!(error instanceof AzureRedisError)) throw error;
  const { code, message, hint } = error;
  if (USAGE_CODES.includes(code)) return reportUsage(`${message} ${hint}`, running);
  const { json = false } = running.opts<{ json?: boolean }>();
  if (json) new Output({ json }).json({ error: { code, message, hint } });
  else process.stderr.write(`ioredis-azure: ${message}\n${hint}\n`);
  return ExitCode.fault;
}

function reportUsage(message: string, running: Command): ExitCode {
  try {
    return running.error(`error: ${message}`);
  } catch {
    // `exitOverride()` makes it throw once the message is printed.
    return ExitCode.usage;
  }
}
