/** A process of its own with ioredis' debug output and traces on; prints its tokens last, one a line, after a mark. */
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { configureForAzure } from '../../lib/index.js';
import { LocalAzure } from '../../lib/testing/index.js';
import { VARIANTS } from './ioredis-versions.js';
import { next, times } from './waiting.js';

for (const event of ['start', 'end', 'asyncEnd', 'error']) {
  for (const name of ['command', 'batch', 'connect']) {
    subscribe(`tracing:ioredis:${name}:${event}`, (message) => {
      console.error(inspect(message, { depth: 9 }));
    });
  }
}

const azure = await LocalAzure.start({ tokenLifetime: 1_000 });
const tokens: string[] = [];
const { credential: issuer, ...connection } = azure.options;
const credential: TokenCredential = {
  async getToken(scopes): Promise<AccessToken> {
    const token = await issuer.getToken(scopes);
    tokens.push(token.token);
    return token;
  },
};
const options = await configureForAzure({ ...connection, credential });

for (const { Redis, protocol } of VARIANTS) {
  const redis = new Redis({ ...options, protocol });
  redis.on('error', (error) => {
    console.error(inspect(error, { depth: 9, showHidden: true }));
  });
  await redis.set('key', 'value');
  await times(1, options.authenticator, 'reauthenticated');
  azure.refuseLogins();
  await redis.call('RESET');
  await redis.get('key').catch((error: unknown) => {
    console.error(inspect(error, { depth: 9, showHidden: true }));
  });
  azure.dropConnections();
  await next(azure, 'refusal');
  redis.disconnect();
  azure.acceptLogins();
  console.error(inspect(redis, { depth: 12, showHidden: true }));
}

await azure.stop();
console.error(`TOKENS\n${tokens.join('\n')}`);
