import type { Command } from 'commander';

/** Declares the subcommand `emulator`. Its modules are loaded when it runs. */
export function addEmulatorCommand(program: Command): void {
  program
    .command('emulator')
    .description('runs an Azure Redis and its Microsoft Entra on this machine')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      const { runEmulator } = await import('./run.js');
      await runEmulator(flags);
    });
}
