import { expect } from 'chai';
import { Redis } from 'ioredis';
import { configureForAzure } from '../../lib/index.js';
import { AzureEnvironment } from './support/azure-environment.js';
import { Visitor } from './sessions/support/visitor.js';

describe('samples/session', () => {
  it('counts the visits of a session, and begins a new one in the place of one that cannot be read', async () => {
    const environment = await AzureEnvironment.start(3_600_000);
    const redis = new Redis(await configureForAzure(environment.azure.options));
    try {
      const sample = environment.run('samples/session/main.ts', '--listen', '0', '--prefix', 'app:');
      const visitor = new Visitor(await sample.printed(/(http\S+) counts/));
      const visits = async (): Promise<unknown> => {
        await visitor.get('/');
        return JSON.parse(visitor.page);
      };
      expect(await visits()).to.deep.equal({ visits: 1 });
      for (const unreadable of ['{', '7', '{"user":"ada"}']) {
        expect(await visits()).to.deep.equal({ visits: 2 });
        for (const key of await redis.keys('app:session:*')) await redis.set(key, unreadable, 'EX', 60);
        expect(await visits()).to.deep.equal({ visits: 1 });
      }
    } finally {
      redis.disconnect();
      await environment.stop();
    }
  });
});
