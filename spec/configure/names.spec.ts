import { expect } from 'chai';
import ts from 'typescript';
import { configureClusterForAzure, configureForAzure, Multiplexer } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { credential, HOST, untyped } from './support/options.js';

const IOREDIS = ['ioredis', 'ioredis-6.0.0', 'ioredis5', 'ioredis-5.4.0'];

/** The options that libraries on top of ioredis take beside its own. */
const LIBRARIES = {
  BullMQ: ['skipVersionCheck', 'url', 'skipMetasUpdate', 'prefix', 'blockingConnection'],
  '@fastify/redis': ['url', 'namespace', 'client', 'closeClient'],
  NestJS: [
    'retryAttempts',
    'retryDelay',
    'wildcards',
    'serializer',
    'deserializer',
    'namespace',
    'onClientCreated',
  ],
  'connect-redis, keyv and others': [
    'ttl',
    'store',
    'client',
    'keyPrefix',
    'useUnlink',
    'dialect',
    'uri',
    'id',
  ],
};

/** The names of the options of every supported version of ioredis, from its types. */
function ioredisOptions(): { ofRedis: Set<string>; ofCluster: Set<string> } {
  const files = IOREDIS.map((name) => `node_modules/${name}/built/index.d.ts`);
  const program = ts.createProgram(files, { skipLibCheck: true, types: ['node'] });
  const checker = program.getTypeChecker();
  const names = (type: string, file: string): string[] => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const exported = module && checker.getExportsOfModule(module).find(({ name }) => name === type);
    if (!exported) throw new Error(`${file} has no ${type}`);
    const properties = checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(exported)).getProperties();
    return properties.map(({ name }) => name);
  };
  return {
    ofRedis: new Set(files.flatMap((file) => names('RedisOptions', file))),
    ofCluster: new Set(files.flatMap((file) => names('ClusterOptions', file))),
  };
}

describe('the names of options', () => {
  let ofRedis: Set<string>;
  let ofCluster: Set<string>;

  before(function () {
    this.timeout(60_000);
    ({ ofRedis, ofCluster } = ioredisOptions());
    expect([...ofRedis]).to.include.members([
      'host',
      'keyPrefix',
      'blockingTimeout',
      'sentinelMaxConnections',
    ]);
    expect([...ofCluster]).to.include.members(['scaleReads', 'shardedSubscribers', 'redisOptions']);
  });

  it('are those of ioredis, whose every option passes', async () => {
    const unsupported = ['password', 'path', 'sentinels'];
    const names = [...ofRedis].filter((name) => !unsupported.includes(name));
    const values = { host: HOST, port: 1, tls: {}, db: 0, username: 'me', credential: credential() };
    const options = { ...Object.fromEntries(names.map((name) => [name, undefined])), ...values };
    expect(await configureForAzure(untyped(options))).to.include({ port: 1 });
    const named = Object.fromEntries(names.map((name) => [name, name]));
    expect(await configureForAzure(untyped({ ...named, ...values }))).to.include({ keyPrefix: 'keyPrefix' });
  });

  it('are those of a Cluster in `cluster`, whose every option passes, too', async () => {
    const cluster = Object.fromEntries([...ofCluster].map((name) => [name, name]));
    const options = { host: HOST, credential: credential(), cluster: { ...cluster, redisOptions: {} } };
    const [, configured] = await configureClusterForAzure(options);
    expect(configured).to.include({ scaleReads: 'scaleReads', natMap: 'natMap' });
  });

  for (const [library, names] of Object.entries(LIBRARIES)) {
    it(`may be those of ${library}`, async () => {
      const options = Object.fromEntries(names.map((name) => [name, name]));
      const configured = await configureForAzure(
        untyped({ ...options, host: HOST, credential: credential() }),
      );
      expect(configured).to.include(options);
    });
  }

  it('of a Cluster have their place', async () => {
    const misplaced = [...ofCluster].filter((name) => !ofRedis.has(name));
    expect(misplaced).to.have.length.above(10);
    for (const name of misplaced) {
      const error = await rejection(configureForAzure(untyped({ host: HOST, [name]: 'x' })));
      expect(error).to.include({ code: 'INVALID_OPTION' });
      expect(error.hint).to.equal(
        `Set \`${name}\` in \`cluster\`, an option of configureClusterForAzure() and Multiplexer.connect().`,
      );
    }
  });

  const MISTAKES: readonly (readonly [name: string, hint: RegExp])[] = [
    ['serviceprincipal', /`servicePrincipal`/],
    ['servicePrinciple', /`servicePrincipal`/],
    ['managedidentity', /`managedIdentity`/],
    ['managed_identity', /`managedIdentity`/],
    ['managedIdentiy', /`managedIdentity`/],
    ['credentials', /`credential`/],
    ['Credential', /`credential`/],
    ['acessKey', /`accessKey`/],
    ['accesskey', /`accessKey`/],
    ['access_key', /`accessKey`/],
    ['authentificator', /`authenticator`/],
    ['scopes', /`scope`/],
    ['Cloud', /`cloud`/],
    ['userName', /`username`/],
    ['authorityhost', /`authorityHost`/],
    ['heartBeatInterval', /`heartbeatInterval`/],
    ['expirationRefreshRation', /`expirationRefreshRatio`/],
    ['aquireTimeout', /`acquireTimeout`/],
    ['TLS', /`tls`/],
    ['maintenanceEvent', /`maintenanceEvents`.*Multiplexer/],
    ['maintenanceEvents', /Multiplexer/],
    ['cluster', /configureClusterForAzure/],
    ['clientId', /in `servicePrincipal` or `managedIdentity`/],
    ['clientID', /in `servicePrincipal` or `managedIdentity`/],
    ['clientSecret', /in `servicePrincipal`/],
    ['tenantId', /in `servicePrincipal`/],
    ['certificate', /in `servicePrincipal`/],
    ['sendX5c', /in `servicePrincipal`/],
    ['objectId', /in `managedIdentity`/],
    ['resourceId', /in `managedIdentity`/],
    ['retries', /in `retry`/],
    ['minTimeout', /in `retry`/],
  ];
  for (const [name, hint] of MISTAKES) {
    it(`are checked: ${name} is rejected, and never its value shown`, async () => {
      const error = await rejection(configureForAzure(untyped({ host: HOST, [name]: 'the value' })));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.equal(`\`${name}\` is not an option here, and would be ignored.`);
      expect(error.hint).to.match(hint);
      expect(error.hint).to.not.contain('the value');
    });
  }

  it('are checked everywhere', async () => {
    const wrong = { host: HOST, credentials: credential() };
    const inNodes = { host: HOST, cluster: { redisOptions: { managedidentity: true } } };
    for (const rejected of [
      configureClusterForAzure(wrong),
      configureClusterForAzure(inNodes as never),
      Multiplexer.connect(wrong),
      Multiplexer.connect(untyped({ host: HOST, credential: credential(), maintenanceEvent: true })),
    ]) {
      expect((await rejection(rejected)).code).to.equal('INVALID_OPTION');
    }
    const inCluster = untyped({ host: HOST, cluster: { managedIdentity: true } });
    const error = await rejection(configureClusterForAzure(inCluster));
    expect(error.message).to.match(/^`cluster.managedIdentity` is not an option of a cluster/);
    expect(error.hint).to.equal('Set `managedIdentity` beside `cluster`.');
  });
});
