/** A process of its own that holds one client, takes its tokens from its parent, and counts when it is told to. */
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { configureForAzure } from '../../lib/index.js';
import { VARIANTS } from './ioredis-versions.js';
import { next } from './waiting.js';

const { variant, host, port, ca } = JSON.parse(process.argv[2] ?? '') as {
  variant: string;
  host: string;
  port: number;
  ca: string;
};

const credential: TokenCredential = {
  getToken(scope) {
    return new Promise((resolve) => {
      const listener = ({ token }: { token?: AccessToken }): void => {
        if (!token) return;
        process.off('message', listener);
        resolve(token);
      };
      process.on('message', listener);
      process.send?.({ scope });
    });
  },
};

const { Redis, protocol } = VARIANTS.find(({ name }) => name === variant) ?? {};
if (!Redis || !protocol) throw new Error('no such variant');
const redis = new Redis({ ...(await configureForAzure({ host, port, tls: { ca }, credential })), protocol });
redis.on('error', () => undefined);
await next(redis, 'ready');

process.on('message', (message) => {
  if (message === 'count') void redis.incr('counter').then((count) => process.send?.({ count }));
  if (message === 'end') {
    redis.disconnect();
    process.disconnect();
  }
});
process.send?.('ready');
