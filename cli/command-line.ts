import { Command, CommanderError } from 'commander';
import { VERSION } from '../lib/version.js';
import { addDoctorCommand } from './doctor/command.js';
import { addEmulatorCommand } from './emulator/command.js';
import { CommandFailure, ExitCode, UsageError } from './exit-code.js';
import { Output } from './output.js';

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
  if (!(error instanceof AzureRedisError || error instanceof CommandFailure)) throw error;
  const { code } = error;
  const [message, hint] = [error.message, error.hint].map((text) => inFlags(text, running)) as [
    string,
    string,
  ];
  const isUsage = error instanceof AzureRedisError && USAGE_CODES.includes(error.code);
  if (isUsage) return reportUsage(`${message} ${hint}`, running);
  const { json = false } = running.opts<{ json?: boolean }>();
  if (json) new Output({ json }).json({ error: { code, message, hint } });
  else process.stderr.write(`ioredis-azure: ${message}\n${hint}\n`);
  return ExitCode.fault;
}

/** A text about options of the library, with the flags of the command that they come from: `` `upstream.password` ``. */
function inFlags(text: string, { options }: Command): string {
  return text.replace(/`([a-z][\w.]*)`/gi, (quoted, name: string) => {
    const parts = name.split('.');
    const joined = parts.map((part, index) =>
      index === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1),
    );
    const candidates = [joined.join(''), parts.at(-1), parts[0]];
    const flags = candidates.map((each) => options.find((option) => option.attributeName() === each)?.long);
    return flags.find((flag) => flag) ?? quoted;
  });
}

function reportUsage(message: string, running: Command): ExitCode {
  try {
    return running.error(`error: ${message}`);
  } catch {
    // `exitOverride()` makes it throw once the message is printed.
    return ExitCode.usage;
  }
}
