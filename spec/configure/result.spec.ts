import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import { SentinelConnector } from 'ioredis';
import {
  configureClusterForAzure,
  configureForAzure,
  type ConfiguredRedisOptions,
  type ConfigureForAzureOptions,
} from '../../lib/index.js';
import { credential, HOST, untyped } from './support/options.js';

const [ca = ''] = rootCertificates;
const oneOf = <Value>(...values: Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);

const ADDRESSES = [
  { host: HOST },
  { host: 'my-cache.redis.cache.windows.net', db: 3 },
  { host: '10.0.0.4', port: 7000, tls: { servername: HOST } },
  { host: 'localhost', port: 6379, tls: false },
  { host: '127.0.0.1', port: 6379, tls: false, db: 1 },
  { host: 'localhost', port: 6379, path: '/run/proxy.sock', tls: false },
  { host: HOST, path: '/run/proxy.sock', tls: {} },
];

const TLS = [
  { ca },
  { ca: undefined },
  { checkServerIdentity: () => undefined },
  { secureProtocol: 'TLSv1_2_method' },
];

const IDENTITIES = [
  { credential: credential() },
  { credential: credential(), username: 'alias' },
  { credential: credential(), username: ({ oid }: { oid?: unknown }) => String(oid) },
  { credential: credential(), scope: 'api://x/.default', acquireTimeout: 5_000, retry: { retries: 1 } },
  { credential: credential(), expirationRefreshRatio: 0.5, heartbeatInterval: 0, heartbeatTimeout: 200 },
  { accessKey: 'key' },
  { accessKey: () => 'key', username: 'me' },
];

/** Every option of ours, and some of ioredis, of which undefined ones are those of a spread. */
const OPTIONS = fc.record(
  {
    address: oneOf(...ADDRESSES),
    identity: oneOf(...IDENTITIES),
    tls: fc.option(oneOf(...TLS), { nil: undefined }),
    ioredis: fc.record(
      {
        Connector: oneOf(undefined, SentinelConnector),
        clientInfoTag: oneOf(undefined, 'mine', 'one;two'),
        keyPrefix: oneOf(undefined, 'shop:'),
        password: oneOf(undefined, null),
        sentinels: oneOf(undefined, null),
        retryStrategy: oneOf(undefined, () => null),
        connectionName: fc.string(),
        lazyConnect: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['address', 'identity'] },
);

function given({
  address,
  identity,
  tls,
  ioredis,
}: {
  address: object;
  identity: object;
  tls?: object | undefined;
  ioredis?: object;
}): ConfigureForAzureOptions {
  const own = 'tls' in address ? address.tls : {};
  return untyped({ ...ioredis, ...address, ...identity, tls: own && { ...own, ...tls } });
}

/** What a client uses, without functions that are created anew. */
function comparable({ tls, ...options }: ConfiguredRedisOptions): object {
  const { checkServerIdentity, ...rest } = tls ?? {};
  return { ...options, tls: tls && { ...rest, hasCheck: checkServerIdentity !== undefined } };
}

describe('the result of configureForAzure()', () => {
  it('is valid input, whatever it was configured with, and its own result', async () => {
    await fc.assert(
      fc.asyncProperty(OPTIONS, async (options) => {
        const result = await configureForAzure(given(options));
        for (const again of [result, { ...result }, { ...result, tls: result.tls && { ...result.tls } }]) {
          expect(comparable(await configureForAzure(again))).to.deep.equal(comparable(result));
        }
      }),
    );
  });

  it('is valid input of configureClusterForAzure(), as options and as `redisOptions`, and so is its result', async () => {
    await fc.assert(
      fc.asyncProperty(OPTIONS, async (options) => {
        const forNodes = given(options);
        fc.pre(!forNodes.path && !forNodes.db);
        const result = await configureForAzure(forNodes);
        const { host, port } = result;
        const [, cluster] = await configureClusterForAzure(result);
        for (const again of [result, { host, port, cluster: { redisOptions: result } }, { host, cluster }]) {
          const [nodes, { redisOptions }] = await configureClusterForAzure(again);
          expect(nodes).to.deep.equal([{ host, port }]);
          expect(comparable(redisOptions)).to.deep.equal(comparable(result));
        }
      }),
    );
  });
});
