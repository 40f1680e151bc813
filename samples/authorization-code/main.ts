/**
 * Signs a user in with the browser and keeps the user signed in, without a secret in the program.
 *
 *   npx tsx samples/authorization-code/main.ts --local
 *       against an Entra on this machine: nothing in Azure is needed
 *   npx tsx samples/authorization-code/main.ts --host my-cache.westeurope.redis.azure.net --client-id … --tenant-id …
 *       against a real cache; the app registration allows public client flows and has the "Mobile and desktop"
 *       redirect URI http://localhost, and the user has an access policy on the cache
 *
 * With --no-browser it only prints the address to open.
 */
import { globalAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { AuthorizationCodeFlow, AzureRedisError, configureForAzure } from 'ioredis-azure';
import { LocalEntra } from '../../lib/testing/entra/index.js';
import { openBrowser } from './open-browser.js';
import { RedirectListener } from './redirect-listener.js';

const USAGE = 'Give --local, or --host, --client-id and --tenant-id.';
const SCOPE = 'https://redis.azure.com/.default';

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
    await useCache(host, await signIn({ clientId, tenantId }));
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
  const entra = await LocalEntra.start({ tokenLifetime: 5_000 });
  // This process trusts the local Entra's certificate from here on; the browser will ask whether it shall.
  globalAgent.options.ca = entra.ca;
  try {
    const password = 'local-password';
    const { clientId } = entra.addApplication({
      publicClient: true,
      redirectUris: ['http://localhost/signed-in'],
    });
    const { username } = entra.addUser({ username: 'ada@localentra.onmicrosoft.com', password });
    console.log(
      `An Entra on this machine, whose tokens live for 5 s.\nUser name: ${username}\nPassword: ${password}`,
    );
    const { tenantId, authorityHost } = entra;
    await useTokens(await signIn({ clientId, tenantId, authorityHost }));
  } finally {
    await entra.stop();
  }
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

/** Shows that the user stays signed in: each token is new, and nobody is asked for it. */
async function useTokens(credential: Credential): Promise<void> {
  for (let number = 1; number <= 4; number++) {
    const token = await credential.getToken(SCOPE);
    if (!token) throw new Error('no token');
    console.log(`Token ${number} lives until ${new Date(token.expiresOnTimestamp).toLocaleTimeString()}.`);
    if (number < 4) await sleep((token.expiresOnTimestamp - Date.now()) * 0.75);
  }
}

async function useCache(host: string, credential: Credential): Promise<void> {
  const options = await configureForAzure({ host, credential });
  const redis = new Redis(options);
  console.log(`Logged in to ${host} as ${options.authenticator.username}. Ctrl+C ends it.`);
  process.once('SIGINT', () => {
    redis.disconnect();
  });
  while (redis.status !== 'end') {
    console.log(new Date().toLocaleTimeString(), await redis.ping().catch(String));
    await sleep(10_000);
  }
}
