/**
 * A process with one client, whose tokens come from its parent. On request it increments a counter, blocks its event loop,
 * or sets its clock.
 */
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { configureForAzure } from '../../lib/index.js';
import { VARIANTS } from './ioredis-versions.js';
import type { FromRemote, RemoteSettings, ToRemote } from './remote-process.js';
import { next } from './waiting.js';

const settings = JSON.parse(process.argv[2] ?? '') as RemoteSettings;

// For this package, this is the system's clock.
const { now } = Date;
let shift = settings.clockShift;
Date.now = () => now() + shift;

/** Like the identity libraries, it adds the lifetime of the token to the time of its own clock. */
const credential: TokenCredential = {
  getToken() {
    return new Promise<AccessToken>((resolve) => {
      const listener = ({ token }: ToRemote): void => {
        if (!token) return;
        process.off('message', listener);
        resolve({ token: token.text, expiresOnTimestamp: Date.now() + token.lifetime });
      };
      process.on('message', listener);
      tell({ wantsToken: true });
    });
  },
};

const { Redis, protocol } = VARIANTS.find(({ name }) => name === settings.variant) ?? {};
if (!Redis || !protocol) throw new Error('no such variant');
const { host, port, ca } = settings;
const options = await configureForAzure({
  host,
  port,
  tls: { ca },
  credential,
  expirationRefreshRatio: 0.25,
});
const redis = new Redis({ ...options, protocol });
redis.on('error', () => undefined);
await next(redis, 'ready');
options.authenticator.on('reauthenticated', () => {
  tell({ reauthenticated: true });
});

process.on('message', ({ count, block, clockShift, end }: ToRemote) => {
  if (count)
    void redis.incr('counter').then((counted) => {
      tell({ counted });
    });
  if (block !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block);
  if (clockShift !== undefined) shift = clockShift;
  if (end) {
    options.authenticator.close();
    redis.disconnect();
    process.disconnect();
  }
});
tell({ ready: true });

function tell(message: FromRemote): void {
  process.send?.(message);
}
