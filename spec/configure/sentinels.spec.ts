import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { configureForAzure, type ConfiguredRedisOptions } from '../../lib/index.js';
import { Cache, connectionsOf } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { RedisSentinel } from '../support/redis-sentinel.js';
import { happens, times } from '../support/waiting.js';

const NAME = 'my-cache';

describe('a client with `sentinels`', () => {
  const cache = Cache.forAll({ tokenLifetime: 3_000 });
  const configured = new Set<ConfiguredRedisOptions>();
  let sentinel: RedisSentinel;

  before(async () => {
    sentinel = await RedisSentinel.start(NAME, cache.azure.port);
  });
  after(() => sentinel.stop());
  afterEach(() => {
    for (const { authenticator } of configured) authenticator.close();
    configured.clear();
  });

  async function configure(credential = cache.azure.credential()): Promise<ConfiguredRedisOptions> {
    const options = await configureForAzure({
      credential,
      expirationRefreshRatio: 0.25,
      sentinels: [{ host: sentinel.host, port: sentinel.port }],
      name: NAME,
      tls: { ca: cache.azure.ca, servername: 'localhost' },
      retryStrategy: () => null,
    });
    configured.add(options);
    return options;
  }

  /** The error of a client that does not connect. */
  async function failureOf(client: Redis): Promise<unknown> {
    const failed = new Promise((resolve) => client.once('error', resolve));
    client.connect().catch(() => undefined);
    return failed;
  }

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      it('logs in to the server that they name over TLS, and is re-authenticated in place', async () => {
        const credential = cache.azure.credential();
        const options = await configure(credential);
        const client = cache.client(variant, { ...options, protocol: variant.protocol });
        await times(2, options.authenticator, 'reauthenticated');
        expect(await client.ping()).to.equal('PONG');
        expect(connectionsOf(cache.azure, credential)).to.equal(1);
      });

      for (const [what, replace] of [
        ['whose certificate is not trusted', () => ({ servername: 'localhost' })],
        [
          'of another name',
          (ca: string) => ({ ca, servername: 'another', checkServerIdentity: () => undefined }),
        ],
      ] as const) {
        it(`does not log in to a server ${what}, though its \`tls\` was replaced`, async () => {
          const tls = replace(cache.azure.ca);
          const client = cache.client(variant, { ...(await configure()), tls, lazyConnect: true });
          const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
          process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
          const logins = cache.azure.statistics.logins.length;
          try {
            const ended = happens(client, 'end');
            expect(await failureOf(client))
              .to.have.property('code')
              .that.matches(/VERIFY|ALTNAME/);
            await ended;
          } finally {
            if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
            else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
          }
          expect(cache.azure.statistics.logins).to.have.length(logins);
        });
      }
    });
  }
});
