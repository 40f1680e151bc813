import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import { CLUSTER_VARIANTS, ClusteredCache } from '../support/clustered-cache.js';
import { forbidUnhandledRejections } from '../support/unhandled-rejections.js';
import { freePort } from '../../emulator/ports.js';

/** Answers with this error the first time that it is called with the key, and with OK from then on. */
const REFUSE_ONCE =
  "if redis.call('INCR', KEYS[1]) == 1 then return redis.error_reply(ARGV[1]) end return 'OK'";

const MALFORMED = [
  'MOVED 1',
  'ASK 1',
  'MOVED 1 127.0.0.1',
  'ASK 1 127.0.0.1',
  'MOVED 16384 127.0.0.1:6379',
  'MOVED __proto__ 127.0.0.1:6379',
];

describe('a redirection', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 2 } });
  forbidUnhandledRejections();

  for (const variant of CLUSTER_VARIANTS) {
    describe(`with ${variant.name}`, () => {
      const refuseOnce = (cluster: Cluster, key: string, reply: string): Promise<unknown> =>
        cluster.eval(REFUSE_ONCE, 1, key, reply);

      for (const kind of ['ASK', 'MOVED']) {
        it(`by ${kind} to a node that is down is retried`, async () => {
          const { cluster } = await cache.connect(variant, { cluster: { retryDelayOnFailover: 100 } });
          const reply = `${kind} 1 127.0.0.1:${await freePort()}`;
          const key = `${kind} ${variant.name}`;
          expect(await refuseOnce(cluster, key, reply)).to.equal('OK');
          const pipeline = cluster.pipeline().eval(REFUSE_ONCE, 1, `pipelined ${key}`, reply);
          expect(await pipeline.exec()).to.deep.equal([[null, 'OK']]);
          expect(await cluster.set('key', 'value')).to.equal('OK');
        });
      }

      for (const reply of MALFORMED) {
        it(`that is malformed, as "${reply}", fails the command only`, async () => {
          const { cluster } = await cache.connect(variant);
          const key = `${reply} ${variant.name}`;
          const error: unknown = await refuseOnce(cluster, key, reply).catch((reason: unknown) => reason);
          expect(error)
            .to.have.property('message')
            .that.matches(new RegExp(`^${reply}`));
          const results = await cluster.pipeline().eval(REFUSE_ONCE, 1, `pipelined ${key}`, reply).exec();
          // After ASK, ioredis mixes up the results of a pipeline that it does not send again.
          if (reply.startsWith('MOVED')) expect(results?.[0]?.[0]?.message).to.match(new RegExp(`^${reply}`));
          expect(await cluster.set('key', 'value')).to.equal('OK');
        });
      }
    });
  }

  const lostRole = [
    "READONLY You can't write against a read only replica.",
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  ];
  for (const reply of lostRole) {
    const [name = ''] = reply.split(' ');
    it(`by ${name}, of a node that has lost its role, is retried once the slots are refreshed`, async () => {
      for (const variant of CLUSTER_VARIANTS) {
        const { cluster } = await cache.connect(variant, { cluster: { retryDelayOnClusterDown: 100 } });
        expect(await cluster.eval(REFUSE_ONCE, 1, `${name} ${variant.name}`, reply)).to.equal('OK');
        const pipeline = cluster.pipeline().eval(REFUSE_ONCE, 1, `pipelined ${name} ${variant.name}`, reply);
        expect(await pipeline.exec()).to.deep.equal([[null, 'OK']]);
      }
    });
  }
});
