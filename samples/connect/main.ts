/** Connects to a cache with any identity, runs a command each second, and says what happens and what to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AzureRedisError,
  Multiplexer,
  type ConfigureForAzureOptions,
  type IdentityOptions,
} from 'ioredis-azure';
import { FIELDS, IDENTITIES, type Field } from './identities.js';
import { askFor, askForHost, askForIdentity } from './questions.js';
import { start } from './start.js';

const FLAGS = {
  identity: { type: 'string' }, // A key of IDENTITIES.
  ask: { type: 'boolean' }, // Asks for the cache and the identity. Default: on a terminal, without any flag.
  'tenant-id': { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'string' },
  certificate: { type: 'string' },
  'certificate-password': { type: 'string' },
  'access-key': { type: 'string' },
} as const;

const isAsking = process.argv.includes('--ask') || (process.stdin.isTTY && process.argv.length === 2);
if (isAsking) {
  const { host, port } = await askForHost().catch(quit);
  if (host !== undefined) process.argv.push('--host', host, ...(port ? ['--port', port] : []));
}

await start(FLAGS, async ({ options, flags, stopping }) => {
  const identity = flags.host === undefined ? {} : await identityOf(flags);
  console.log('Connecting.');
  // Not every access policy permits INFO, which the ready check asks.
  const settings = { ...options, ...identity, enableReadyCheck: false, commandTimeout: 5_000 };
  // Without a host, the options have the identity of the emulator, and the flags none.
  await using multiplexer = await Multiplexer.connect(settings as ConfigureForAzureOptions);
  const { authenticator, isCluster, protocol } = multiplexer;
  const kind = isCluster ? 'a cluster' : 'one server';
  console.log(`Logged in to ${kind} as ${authenticator.username}, with RESP${protocol}. Ctrl+C ends it.`);
  reportEvents(multiplexer);

  let commands = 0;
  let failures = 0;
  while (!stopping.aborted) {
    commands += 1;
    try {
      // Every access policy permits it.
      await multiplexer.interactive.get(`${flags.prefix}connect`);
      process.stdout.write('+');
    } catch (error) {
      failures += 1;
      console.log(`\n${explain(error)}`);
    }
    await sleep(1_000, undefined, { signal: stopping }).catch(() => undefined);
  }
  console.log(`\nCommands ${commands}, failures ${failures}`);
  if (failures > 0) process.exitCode = 1;
});

async function identityOf(
  flags: { identity?: string } & Partial<Record<Field, string>>,
): Promise<IdentityOptions> {
  const name = flags.identity ?? (isAsking ? await askForIdentity().catch(quit) : 'default');
  const identity = IDENTITIES[name];
  if (!identity)
    throw invalid(`--identity must be one of ${Object.keys(IDENTITIES).join(', ')}, got "${name}".`);
  const answers = { 'certificate-password': '' } as Record<Field, string>;
  for (const field of identity.fields) {
    // Flags are visible in process lists: prefer variables for secrets.
    const given = flags[field] ?? process.env[FIELDS[field].variable];
    if (given !== undefined) answers[field] = given;
    else if (isAsking) answers[field] = await askFor(field).catch(quit);
    else if (!('isOptional' in FIELDS[field]))
      throw invalid(`The identity "${name}" needs --${field} or ${FIELDS[field].variable}.`);
  }
  return identity.options(answers);
}

function reportEvents(multiplexer: Multiplexer): void {
  const line = (text: string): void => {
    console.log(`\n${new Date().toISOString().slice(11, 23)} ${text}`);
  };
  const { authenticator } = multiplexer;
  authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    line(`token refreshed, valid until ${expiresOn.toISOString()}`);
  });
  authenticator.on('tokenRefreshFailed', ({ error }) => {
    line(explain(error));
  });
  authenticator.on('reauthenticated', ({ endpoint }) => {
    line(`${endpoint} re-authenticated`);
  });
  multiplexer.on('connectionLost', ({ connection, endpoint }) => {
    line(`${connection} connection to ${endpoint} lost`);
  });
  multiplexer.on('connectionRestored', ({ connection, endpoint, gap }) => {
    line(`${connection} connection to ${endpoint} restored after ${gap} ms`);
  });
  multiplexer.on('maintenance', ({ type }) => {
    line(`maintenance announced: ${type}`);
  });
  multiplexer.on('error', (error) => {
    line(explain(error));
  });
}

/** What an error says, and what to do about it. */
function explain(error: unknown): string {
  if (error instanceof AzureRedisError) return `${error.code}: ${error.message}\n  ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

/** The user has ended the questions with Ctrl+C. */
function quit(): never {
  process.exit(130);
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), { code: 'INVALID_FLAG' });
}
