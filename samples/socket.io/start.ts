/** What every sample begins with, the same file in each: flags, and an emulator in place of a cache. An application needs neither. */
import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AzureRedisError, type ConfigureForAzureOptions } from 'ioredis-azure';

type Flags = NonNullable<ParseArgsConfig['options']>;

const FLAGS = {
  host: { type: 'string' }, // A cache, with DefaultAzureCredential. Default: an emulator on this machine.
  port: { type: 'string' }, // Default: that of the suffix of the host.
  ca: { type: 'string' }, // A file with the certificate authority of a private endpoint.
  cluster: { type: 'boolean' }, // Makes the emulator a cluster of three nodes.
  prefix: { type: 'string', default: 'sample:' }, // The beginning of all keys, for environments that share a cache.
  seconds: { type: 'string' }, // Ends the sample. Default: Ctrl+C does.
} as const satisfies Flags;

function parse<const Own extends Flags>(own: Own) {
  return parseArgs({ options: { ...own, ...FLAGS } }).values;
}

export interface Sample<Own extends Flags> {
  readonly flags: ReturnType<typeof parse<Own>>;
  /** For `Multiplexer.connect()` or `configureForAzure()`. */
  readonly options: ConfigureForAzureOptions;
  /** Aborts on SIGINT (Ctrl+C), on SIGTERM, and after `--seconds`. */
  readonly stopping: AbortSignal;
}

/** Runs a sample that has these flags besides those of all. Exit codes: 1 for a failure, 2 for a flag that is not valid. */
export async function start<const Own extends Flags>(own: Own, main: (sample: Sample<Own>) => Promise<void>) {
  try {
    const flags = parse(own);
    // TypeScript knows the flags of all samples only if there are no others.
    const { host, port, ca, seconds, cluster } = flags as Partial<
      Record<'host' | 'port' | 'ca' | 'seconds', string> & { cluster: boolean }
    >;
    const stopping = stopSignal(Number(seconds) * 1_000);
    if (host !== undefined) {
      const tls = ca !== undefined && { tls: { ca: readFileSync(ca, 'utf8') } };
      await main({ flags, options: { host, ...(port && { port: Number(port) }), ...tls }, stopping });
    } else {
      const { AzureRedisEmulator } = await import('ioredis-azure/emulator');
      const size = cluster && { cluster: { masters: 3 } };
      await using azure = await AzureRedisEmulator.start({ tokenLifetime: 5_000, ...size });
      console.log('An Azure Redis on this machine, whose tokens live for 5 s.');
      // Refreshed early, so that a computer that is busy for a second has time enough.
      await main({ flags, options: { ...azure.options, expirationRefreshRatio: 0.5 }, stopping });
      const { connections, tokensIssued: tokens, evictions } = azure.statistics;
      console.log(
        `Connections: ${connections.length}, tokens: ${tokens.length}, evictions: ${evictions.length}`,
      );
    }
  } catch (error) {
    // A mistake in the flags, or no connection. Anything else is a fault of the program.
    if (!(error instanceof Error && 'code' in error)) throw error;
    const isFlag = /^(ERR_|E?INVALID|MISSING_PORT|CONFLICTING|ENOENT)/.test(String(error.code));
    console.error(error.message, error instanceof AzureRedisError ? `\n${error.hint}` : '');
    const names = Object.keys({ ...own, ...FLAGS }).map((name) => `--${name}`);
    if (isFlag) console.error('Flags:', ...names);
    process.exitCode = isFlag ? 2 : 1;
  }
}

/** The second SIGINT or SIGTERM ends the process at once, as without a listener. */
function stopSignal(limit: number): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  if (limit > 0) setTimeout(stop, limit).unref();
  return controller.signal;
}
