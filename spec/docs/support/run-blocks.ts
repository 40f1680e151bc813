/** A process that runs the code blocks in the folder that it is given, in turn, and reports how each went. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { AzureRedisEmulator } from '../../../emulator/index.js';
import type { Authenticator } from '../../../lib/index.js';
import * as library from './on-emulator.js';

/** How long the clients of a block may take to connect, in ms. */
const CONNECT_TIMEOUT = 20_000;

const azure = await AzureRedisEmulator.start(
  process.env['CLUSTER'] === 'true' ? { cluster: { masters: 3 } } : {},
);
library.use(azure);
const host = 'my-cache.westeurope.redis.azure.net';

const response = {
  status: () => response,
  json: () => undefined,
};

Object.assign(globalThis, {
  Redis,
  Cluster,
  AzureRedisEmulator,
  configureForAzure: library.configureForAzure,
  AuthorizationCodeFlow: library.AuthorizationCodeFlow,
  Multiplexer: library.Multiplexer,
  host,
  tenantId: 'tenant',
  clientId: 'client',
  clientSecret: 'secret',
  azure,
  options: await library.configureForAzure({ host }),
  multiplexer: await library.Multiplexer.connect({ host }),
  app: {
    get: (_path: string, handler: (request: object, reply: object) => void) => {
      handler({}, response);
    },
  },
  fetchToken: async () => ({ accessToken: await azure.issueToken(), expiresIn: 3_600 }),
  pauseBatchJobs: () => undefined,
});
library.takeAuthenticators();

let failure: unknown;
process.on('unhandledRejection', (error) => {
  failure = error;
});
process.on('uncaughtException', (error) => {
  failure = error;
});

for (const file of process.argv.slice(2)) {
  failure = undefined;
  try {
    await import(pathToFileURL(file).href);
    await Promise.all(library.takeAuthenticators().map(connected));
  } catch (error) {
    failure = error;
  }
  process.send?.({ file, ...(failure !== undefined && { error: inspect(failure) }) });
}

await azure.stop();
// The clients of the blocks are still open: examples do not all end what they begin.
process.exit();

/** Waits until every client that logs in with an authenticator is connected, or has ended. */
async function connected(authenticator: Authenticator): Promise<void> {
  const end = performance.now() + CONNECT_TIMEOUT;
  while (authenticator.connections.some(({ status }) => status !== 'ready')) {
    if (performance.now() > end) throw new Error(`Not connected: ${JSON.stringify(authenticator)}`);
    await sleep(20);
  }
}
