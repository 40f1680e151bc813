/**
 * Signs a user in with the browser and keeps the user signed in, without a secret in the program.
 *
 *   npm run sample:authorization-code
 *       on an Entra and an Azure Redis on this machine
 *   npm run sample:authorization-code -- --host my-cache.westeurope.redis.azure.net --client-id … --tenant-id …
 *       on a real cache; the app registration allows public client flows and has the "Mobile and desktop"
 *       redirect URI http://localhost, and the user has an access policy on the cache
 *
 * With --no-browser it only prints the URL to open.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import {
  AuthorizationCodeFlow,
  AzureRedisError,
  configureForAzure,
  type ConfigureForAzureOptions,
} from 'ioredis-azure';
import { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';
import { openBrowser } from './open-browser.js';
import { RedirectListener } from './redirect-listener.js';

const USAGE =
  'Usage: npm run sample:authorization-code -- [--host HOST --client-id ID --tenant-id ID] [--no-browser]';

const values = commandLine();

interface Application {
  readonly clientId: string;
  readonly tenantId: string;
  readonly authorityHost?: string;
}

type Credential = Awaited<ReturnType<AuthorizationCodeFlow['redeem']>>;

try {
  const { host, 'client-id': clientId, 'tenant-id': tenantId } = values;
  if (host === undefined) {
    await runLocally();
  } else if (clientId === undefined || tenantId === undefined) {
    exitWithUsage('--host needs --client-id and --tenant-id.');
  } else {
    await useCache({ host, credential: await signIn({ clientId, tenantId }) }, Infinity);
  }
} catch (error) {
  if (!(error instanceof AzureRedisError)) throw error;
  console.error(`\n${error.message}\n${error.hint}`);
  process.exitCode = 1;
}

function commandLine() {
  try {
    return parseArgs({
      options: {
        host: { type: 'string' },
        'client-id': { type: 'string' },
        'tenant-id': { type: 'string' },
        'no-browser': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    exitWithUsage(error instanceof Error ? error.message : String(error));
  }
}

function exitWithUsage(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

async function runLocally(): Promise<void> {
  await using entra = await EntraEmulator.start({ tokenLifetime: 5_000 });
  await using azure = await AzureRedisEmulator.start({ entra });
  // For this process only: the browser asks whether to trust the certificate.
  entra.trust();
  const password = 'local-password';
  const { username, objectId } = entra.addUser({ username: 'ada@localentra.onmicrosoft.com', password });
  await azure.assignRole(objectId, 'Data Contributor');
  const { clientId } = entra.addApplication({
    publicClient: true,
    redirectUris: ['http://localhost/signed-in'],
  });
  console.log('An Entra and an Azure Redis on this machine, whose tokens live for 5 s.');
  console.log(`User name: ${username}\nPassword: ${password}`);

  const { tenantId, authorityHost } = entra;
  const credential = await signIn({ clientId, tenantId, authorityHost });
  const { host, port, tls } = azure.options;
  await useCache({ host, port, tls, credential }, 3);
  const { connections, evictions } = azure.statistics;
  console.log(`The cache counted: connections ${connections.length}, evictions ${evictions.length}`);
}

/** Opens the sign-in page and waits for the redirect. */
async function signIn(application: Application): Promise<Credential> {
  const redirect = await RedirectListener.start('/signed-in');
  try {
    const flow = new AuthorizationCodeFlow({ ...application, redirectUri: redirect.uri });
    const url = await flow.authorizationUrl();
    console.log(`\nSign in here:\n${url}\n`);
    if (!values['no-browser']) openBrowser(url);
    const credential = await flow.redeem(await redirect.received);
    console.log('Signed in.');
    return credential;
  } finally {
    redirect.stop();
  }
}

/** Uses the cache until the connection has been re-authenticated this many times, or until Ctrl+C. */
async function useCache(connection: ConfigureForAzureOptions, reauthentications: number): Promise<void> {
  // The role Data Contributor does not permit INFO, with which ioredis checks readiness.
  const options = await configureForAzure({ ...connection, enableReadyCheck: false });
  const redis = new Redis(options);
  const { authenticator } = options;
  console.log(
    `Logged in as ${authenticator.username}; the token lives until ${timeOf(authenticator.expiresOn)}.`,
  );
  process.once('SIGINT', () => {
    redis.disconnect();
  });
  authenticator.on('reauthenticated', ({ expiresOn }) => {
    reauthentications -= 1;
    console.log(`Re-authenticated without the user, until ${timeOf(expiresOn)}.`);
  });
  while (redis.status !== 'end' && reauthentications > 0) {
    const visits = await redis.incr('visits').catch(String);
    console.log(`${timeOf(new Date())} visits: ${visits}`);
    await sleep(1_000);
  }
  redis.disconnect();
  if (redis.status !== 'end') await once(redis, 'end');
}

function timeOf(moment: Date): string {
  return moment.toLocaleTimeString();
}
