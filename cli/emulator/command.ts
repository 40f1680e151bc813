import { type Command, Option } from 'commander';
import type { ControlFlags, RecoverFlags } from './control-command.js';
import {
  type EmulatorFlags,
  parseClusterSize,
  parseDuration,
  parseHostAndPort,
  parsePort,
  parseRedisVersion,
  parseRole,
  ROLES,
} from './flags.js';
import { FAULTS, type FaultName } from './faults.js';

const AFTER_HELP = `
Examples:
  ioredis-azure emulator --token-lifetime 60s --env
  ioredis-azure emulator --cluster 3x1
  ioredis-azure emulator fail identity --for 30s   (from another terminal)

Exit codes: 0 it was stopped, 1 it could not start, 2 the arguments are not valid.`;

/** Declares the subcommand `emulator`. Its modules are loaded when it runs. */
export function addEmulatorCommand(program: Command): void {
  const emulator = program
    .command('emulator')
    .description('runs an Azure Redis and its Microsoft Entra on this machine')
    .option(
      '--port <port>',
      'port of the cache, 0 for a free one; default: 10000, or 6380 with --product cache',
      parsePort,
    )
    .option('--entra-port <port>', 'port of Microsoft Entra, 0 for a free one', parsePort, 0)
    .option(
      '--metadata-port <port>',
      'port of the endpoint of managed identities, 0 for a free one',
      parsePort,
      0,
    )
    .option('--bind <address>', 'IP address to listen on; default: 127.0.0.1')
    .option('--hostname <name>', 'host name by which clients reach the emulator; default: localhost')
    .addOption(
      new Option('--product <product>', 'Azure Managed Redis or Azure Cache for Redis')
        .choices(['managed', 'cache'])
        .default('managed'),
    )
    .addOption(
      new Option(
        '--role <role>',
        `access policy of the identities: ${Object.keys(ROLES).join(', ')}, or an access string`,
      )
        .argParser(parseRole)
        .default('default'),
    )
    .addOption(
      new Option('--token-lifetime <duration>', 'lifetime of tokens: 60s, 5m, 1h, at least 1s')
        .argParser(parseDuration)
        .default(3_600_000, '1h'),
    )
    .option(
      '--idle-timeout <duration>',
      'time after which a connection without traffic is closed; Azure: 10m; default: never',
      parseDuration,
    )
    .option(
      '--cluster <size>',
      'a clustered cache: masters x replicas of each, such as 3x1',
      parseClusterSize,
    )
    .option(
      '--redis-version <version>',
      'version of redis-server, such as 7 or 7.2; default: redis-server of the PATH',
      parseRedisVersion,
    )
    .option('--upstream <host:port>', 'a running Redis to use; default: one is started', parseHostAndPort)
    .addOption(
      new Option('--upstream-password <password>', 'password of its default user; prefer REDISCLI_AUTH').env(
        'REDISCLI_AUTH',
      ),
    )
    .option('--env [file]', 'write the environment variables to a file to source; default: emulator.env')
    .addOption(
      new Option('--env-identity <identity>', 'identity that the environment variables select')
        .choices(['managed-identity', 'service-principal'])
        .default('managed-identity'),
    )
    .option('--name <name>', 'name by which `fail` and `recover` select this emulator; default: its port')
    .option('--background', 'go on after the process that started it has ended')
    .option('--json', 'print JSON, one value a line')
    .addHelpText('after', AFTER_HELP)
    .action(async (flags: EmulatorFlags) => {
      const { runEmulator } = await import('./run.js');
      await runEmulator(flags);
    });
  addFail(emulator);
  addRecover(emulator);
}

function addFail(emulator: Command): void {
  const command = emulator.command('fail').description('begins a fault of a running emulator');
  for (const [fault, { description, isInstant }] of Object.entries(FAULTS)) {
    const subcommand = selectable(command.command(fault).description(description));
    if (!isInstant) {
      subcommand.option('--for <duration>', 'time after which it ends; default: at `recover`', parseDuration);
    }
    subcommand.action(async (flags: ControlFlags) => {
      const { fail } = await import('./control-command.js');
      await fail(fault as FaultName, flags);
    });
  }
}

function addRecover(emulator: Command): void {
  const lasting = Object.entries(FAULTS).filter(([, { isInstant }]) => !isInstant);
  selectable(emulator.command('recover').description('ends the faults of a running emulator'))
    .argument('[fault]', `${lasting.map(([fault]) => fault).join(', ')}; default: all`)
    .action(async (fault: string | undefined, flags: RecoverFlags) => {
      const { recover } = await import('./control-command.js');
      await recover(fault, flags);
    });
}

function selectable(command: Command): Command {
  return command
    .option('--name <name>', 'name of the emulator; default: the one that runs')
    .option('--port <port>', 'port of the emulator; default: that of the one that runs', parsePort)
    .option('--json', 'print JSON');
}
