/**
 * Sets and gets a key ten times a second while the tokens that the connection logs in with expire, and shows that the
 * application sees nothing of it.
 *
 *   npm run sample                                                against an Azure Redis on this machine, for 30 s
 *   npm run sample -- --host my-cache.westeurope.redis.azure.net  against a real cache, until Ctrl+C
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { AzureRedisError, configureForAzure, type ConfigureForAzureOptions } from 'ioredis-azure';
import { AzureRedisEmulator } from 'ioredis-azure/emulator';

const { values } = parseArgs({
  options: { host: { type: 'string' }, port: { type: 'string' } },
});

const LOCAL_DURATION = 30_000;
const INTERVAL = 100;

try {
  if (values.host === undefined) await runLocally();
  else await runInAzure(values.host, values.port);
} catch (error) {
  if (!(error instanceof AzureRedisError)) throw error;
  console.error(`\n${error.message}\n${error.hint}`);
  process.exitCode = 1;
}

async function runLocally(): Promise<void> {
  const azure = await AzureRedisEmulator.start({ tokenLifetime: 5_000 });
  try {
    console.log(
      'An Azure Redis on this machine, whose tokens live for 5 s. SET and GET ten times a second for 30 s.',
    );
    const end = untilInterrupted();
    const timer = setTimeout(() => {
      end.abort();
    }, LOCAL_DURATION);
    await run(azure.options, end.signal);
    clearTimeout(timer);
    const { connections, evictions } = azure.statistics;
    console.log(`The cache counted: connections ${connections.length}, evictions ${evictions.length}`);
  } finally {
    await azure.stop();
  }
}

async function runInAzure(host: string, port: string | undefined): Promise<void> {
  console.log(`${host}, logged in with DefaultAzureCredential. SET and GET ten times a second until Ctrl+C.`);
  await run({ host, ...(port !== undefined && { port: Number(port) }) }, untilInterrupted().signal);
}

/** Is aborted by Ctrl+C. */
function untilInterrupted(): AbortController {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort();
  });
  return controller;
}

async function run(target: ConfigureForAzureOptions, end: AbortSignal): Promise<void> {
  const options = await configureForAzure(target);
  const { authenticator } = options;
  console.log(
    `Logged in as ${authenticator.username}; the token lives until ${time(authenticator.expiresOn)}.`,
  );

  let tokens = 1;
  let connections = 0;
  let commands = 0;
  let failures = 0;

  authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    tokens += 1;
    console.log(`\n${time(new Date())} token refreshed, lives until ${time(expiresOn)}`);
  });
  authenticator.on('tokenRefreshFailed', ({ error }) => {
    console.log(`\n${time(new Date())} token not refreshed: ${error.message} ${error.hint}`);
  });
  authenticator.on('reauthenticated', ({ endpoint }) => {
    console.log(`\n${time(new Date())} ${endpoint} re-authenticated in place`);
  });
  authenticator.on('reauthenticationFailed', ({ endpoint, error }) => {
    console.log(`\n${time(new Date())} ${endpoint} not re-authenticated: ${error.message}`);
  });

  const redis = new Redis(options);
  redis.on('connect', () => (connections += 1));
  redis.on('error', (error) => {
    console.log(`\n${time(new Date())} ${error.message}`);
  });

  const key = 'ioredis-azure:sample';
  while (!end.aborted) {
    const value = String(commands);
    try {
      await redis.set(key, value, 'EX', 60);
      if ((await redis.get(key)) !== value) throw new Error('GET gave another value than SET was given');
      process.stdout.write('+');
    } catch (error) {
      failures += 1;
      process.stdout.write('-');
      console.log(`\n${time(new Date())} ${String(error)}`);
    }
    commands += 2;
    await sleep(INTERVAL, undefined, { signal: end }).catch(() => undefined);
  }
  const ended = once(redis, 'end');
  await redis.quit();
  await ended;

  console.log(
    `\n\nCommands ${commands}, failures ${failures}, connections used ${connections}, tokens used ${tokens}`,
  );
  if (failures > 0) process.exitCode = 1;
}

function time(date: Date): string {
  return date.toISOString().slice(11, 23);
}
