/**
 * Signs a user in with the browser and keeps the user signed in, without a secret in the program.
 *
 *   npm run sample:authorization-code
 *       against an Entra and an Azure Redis on this machine: nothing in Azure is needed
 *   npx tsx samples/authorization-code/main.ts --host my-cache.westeurope.redis.azure.net --client-id … --tenant-id …
 *       against a real cache; the app registration allows public client flows and has the "Mobile and desktop"
 *       redirect URI http://localhost, and the user has an access policy on the cache
 *
 * With --no-browser it only prints the address to open.
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

const USAGE = 'Give --local, or --host, --client-id and --tenant-id.';

const { values } = parseArgs({
  options: {
    local: { type: 'boolean', default: false },
    host: { type: 'string' },
    'client-id': { type: 'string' },
    'tenant-id': { type: 'string' },
    'no-browser': { type: 'boolean', default: false },
  },
});

interface Application {
  readonly clientId: string;
  readonly tenantId: string;
  readonly authorityHost?: string;
}

type Credential = Awaited<ReturnType<AuthorizationCodeFlow['redeem']>>;

try {
  const { local, host, 'client-id': clientId, 'tenant-id': tenantId } = values;
  if (local) {
    await runLocally();
  } else if (host !== undefined && clientId !== undefined && tenantId !== undefined) {
    await useCache({ host, credential: await signIn({ clientId, tenantId }) }, Infinity);
  } else {
    console.error(USAGE);
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof AzureRedisError)) throw error;
  console.error(`\n${error.message}\n${error.hint}`);
  process.exitCode = 1;
}

async function runLocally(): Promise<void> {
  await using entra = await EntraEmulator.start({ tokenLifetime: 5_000 });
  await using azure = await AzureRedisEmulator.start({ entra });
  // This process trusts the local Entra's certificate from here on; the browser will ask whether it shall.
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

/** Sends the user to the sign-in page and waits for the answer. */
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

/** Uses the cache until the connection has logged in anew so often, or Ctrl+C. */
async function useCache(connection: ConfigureForAzureOptions, reauthentications: number): Promise<void> {
  // The role Data Contributor does not permit INFO, which ioredis checks readiness with.
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
    console.log(`Logged in anew, without asking anybody: until ${timeOf(expiresOn)}.`);
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
