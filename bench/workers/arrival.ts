/** From the arrival of a token to the reply to its AUTH. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { CacheAddress } from '../cache.js';
import { configureForAzure } from '../package.js';
import { azureOptions } from '../peers/ioredis.js';
import { serve } from '../remote.js';

export interface ArrivalTimes {
  /** From the arrival of the token to the reply to its AUTH, in ms. */
  readonly total: number;
  /** An AUTH with the same token, sent by the application, in ms. */
  readonly roundTrip: number;
}

/** Without the random delay, which would hide the rest. */
Math.random = () => 0;

await serve({
  async measure({ cache, count }: { cache: CacheAddress; count: number }): Promise<ArrivalTimes[]> {
    const options = azureOptions({ peer: 'ioredis-azure', ioredis: 6, protocol: 3, cache });
    const { credential } = options;
    let password = '';
    let arrivedAt = 0;
    const configured = await configureForAzure({
      ...options,
      credential: {
        async getToken(...request) {
          const accessToken = (await credential.getToken(...request)) ?? null;
          password = accessToken?.token ?? '';
          arrivedAt = performance.now();
          return accessToken;
        },
      },
    });
    const { authenticator, username = '' } = configured;
    const client = new Redis(configured);
    await client.ping();
    const times: ArrivalTimes[] = [];
    for (let round = 0; round < count; round += 1) {
      const reauthenticated = once(authenticator, 'reauthenticated');
      await authenticator.refresh();
      await reauthenticated;
      const total = performance.now() - arrivedAt;
      const sentAt = performance.now();
      await client.auth(username, password);
      times.push({ total, roundTrip: performance.now() - sentAt });
    }
    client.disconnect();
    authenticator.close();
    return times;
  },
});
