/**
 * Connects to a cache with any identity, runs a command each second, and says what happens and what to do.
 *
 *   npm run sample:connect                                                  asks for cache and identity
 *   npm run sample:connect -- --host my-cache.westeurope.redis.azure.net    with DefaultAzureCredential
 *   npm run sample:connect -- --help                                        all flags
 */
import type { Cluster } from 'ioredis';
import { Multiplexer, type ConfigureForAzureOptions } from 'ioredis-azure';
import { identityKindOf, identityOptionsOf } from '../../cli/identity-flags.js';
import { parseInteger, runProgram, UsageError } from '../shared/command-line.js';
import { timeOf } from '../shared/report-events.js';
import { stopSignal } from '../shared/stop-signal.js';
import { openTarget } from '../shared/target.js';
import { ConsoleLog } from './console-log.js';
import { type ConnectFlags, readFlags, USAGE } from './flags.js';
import { askForMissing } from './questions.js';
import { watch } from './watch.js';

await runProgram(USAGE, async () => {
  const given = readFlags(process.argv.slice(2));
  if (!given) return;
  const isAsking = given.ask ?? (process.stdin.isTTY && Object.keys(given).length === 0);
  if (isAsking && !process.stdin.isTTY) throw new UsageError('--ask needs a terminal.');
  const flags = isAsking ? await askForMissing(given) : given;
  if (!flags) return;
  if (flags.host === undefined) refuseIdentity(flags);
  const count = flags.count === undefined ? Infinity : parseInteger('--count', flags.count, 1, 1_000_000);
  const stopping = stopSignal();
  const log = new ConsoleLog();

  await using target = await openCache(flags);
  log.line(`Connecting to ${target.description}`);
  await using multiplexer = await connect(target.options, flags.cluster ?? false);
  const { authenticator, protocol } = multiplexer;
  const expiry =
    authenticator.expiresOn.getTime() - Date.now() < 30 * 86_400_000
      ? `, until ${timeOf(authenticator.expiresOn)} UTC`
      : '';
  log.line(`Logged in as ${authenticator.username}${expiry}, with RESP${protocol}. Ctrl+C ends it.`);

  const { commands, failures } = await watch(multiplexer, log, { count, stopping });
  log.line(`Commands ${commands}, failures ${failures}`);
  if (failures > 0) process.exitCode = 1;
});

/** The options of the cache that was chosen, and what to call it. */
async function openCache(flags: ConnectFlags): ReturnType<typeof openTarget> {
  if (flags.host === undefined) return openTarget({});
  const { host, port } = flags;
  return {
    options: {
      host,
      ...(port !== undefined && { port: parseInteger('--port', port, 1, 65_535) }),
      ...(await identityOptionsOf(flags)),
    },
    description: `${host}, identity '${identityKindOf(flags)}'`,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function connect(
  options: ConfigureForAzureOptions,
  isCluster: boolean,
): Promise<Multiplexer | Multiplexer<Cluster>> {
  // Not every access policy permits INFO, which the ready check asks.
  const common = {
    ...options,
    connectionName: 'connect-sample',
    enableReadyCheck: false,
    commandTimeout: 5_000,
  };
  return isCluster ? Multiplexer.connect({ ...common, cluster: {} }) : Multiplexer.connect(common);
}

function refuseIdentity(flags: ConnectFlags): void {
  const first = Object.keys(flags).find((flag) => flag !== 'ask' && flag !== 'count');
  if (first === undefined) return;
  const flag = first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`--${flag} needs --host.`);
}
