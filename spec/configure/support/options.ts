import type { TokenCredential } from '@azure/core-auth';
import type { ConfigureForAzureOptions } from '../../../lib/index.js';
import { unsignedJwt } from '../../support/jwt.js';

export const HOST = 'my-cache.westeurope.redis.azure.net';

/** A credential whose tokens are valid for an hour. */
export function credential(more: Partial<TokenCredential> = {}): TokenCredential {
  return {
    getToken: () =>
      Promise.resolve({ token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp: Date.now() + 3_600_000 }),
    ...more,
  };
}

/** What JavaScript, which knows no types, may pass. */
export function untyped(options: Record<string, unknown>): ConfigureForAzureOptions {
  return options as unknown as ConfigureForAzureOptions;
}
