import { type Command, InvalidArgumentError } from 'commander';
import { addIdentityFlags } from '../identity-flags.js';
import type { DoctorFlags } from './run.js';

/** Declares the subcommand `doctor`. Its modules are loaded when it runs. */
export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('checks everything between this machine and a cache, and says what to do')
    .argument('<host>', 'host name of the cache')
    .option('--port <port>', 'port of the cache; default: that of the host suffix', wholeNumber)
    .option(
      '--resource-id <id>',
      "Azure resource id of the cache, to check its settings in Azure (needs the role 'Reader')",
    )
    .option('--management-endpoint <url>', 'URL of Azure Resource Manager; default: that of the cloud')
    .option(
      '--dns <server>',
      'IP address of a DNS server to ask instead of the resolver of the system; repeatable',
      (server: string, servers: readonly string[] | undefined) => [...(servers ?? []), server],
    )
    .option('--plain-port <port>', 'port that must not be served without TLS; default: 6379', wholeNumber)
    .option('--timeout <ms>', 'time that the whole diagnosis may take; default: 30000', wholeNumber)
    .option('--watch', 'go on, and report each refresh, re-authentication and drop')
    .option('--json', 'print JSON');
  addIdentityFlags(command)
    .addHelpText(
      'after',
      '\nExit codes: 0 no error was found, 1 an error was found, 2 the arguments are not valid.',
    )
    .action(async (host: string, flags: DoctorFlags) => {
      const { runDoctor } = await import('./run.js');
      await runDoctor(host, flags);
    });
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
