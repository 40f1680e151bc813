import { expect } from 'chai';
import { type Environment, Program } from './support/program.js';

const HOST = 'my-cache.westeurope.redis.azure.net';

const CLIENT = `
  const { Redis, Cluster } = require('ioredis');
  const HOST = '${HOST}', lazyConnect = true;`;

/** The options of a client that does not connect. */
interface Seen {
  readonly host: string;
  readonly port: number;
  readonly tls?: object;
  readonly isManaged: boolean;
}

/** Evaluates `code`, which returns clients, and reads their options and the output of the process. */
async function seen(
  code: string,
  environment: Environment = {},
): Promise<{ clients: Seen[]; stderr: string }> {
  const program = await Program.start(
    [
      '-e',
      `${CLIENT}
       const clients = [${code}].map(({ options: { redisOptions: nodes, ...options }, startupNodes }) => {
         const { host, port, tls, authenticator } = { ...options, ...nodes, ...startupNodes?.[0], tls: (nodes ?? options).tls };
         return { host, port, tls, isManaged: authenticator !== undefined };
       });
       console.log(JSON.stringify(clients));`,
    ],
    environment,
  );
  return { clients: JSON.parse(await program.output()) as Seen[], stderr: program.stderr };
}

describe('ioredis-azure/register completes the options of a client', () => {
  const managed = { host: HOST, port: 10000, tls: { servername: HOST }, isManaged: true };

  for (const code of [
    'new Redis({ host: HOST, lazyConnect })',
    'new Redis(10000, HOST, { lazyConnect })',
    'new Redis(`redis://${HOST}`, { lazyConnect })',
    'new Redis(`rediss://${HOST}:6379`, { lazyConnect })',
    "new Redis({ host: HOST, password: '', tls: true, lazyConnect })",
    'new Redis({ host: HOST, tls: false, lazyConnect })',
    'new Redis({ host: HOST, lazyConnect }).duplicate()',
    'new (class extends Redis {})({ host: HOST, lazyConnect })',
    'new Cluster([HOST], { lazyConnect })',
    'new Cluster([`rediss://${HOST}:6379`], { lazyConnect })',
    'new Cluster([{ host: HOST, tls: {} }], { lazyConnect, redisOptions: {} })',
    'new Cluster([HOST], { lazyConnect }).duplicate()',
  ]) {
    it(`whose host is an Azure cache by its suffix: ${code}`, async () => {
      const { clients, stderr } = await seen(code);
      expect(clients).to.deep.equal([managed]);
      expect(stderr).to.equal('');
    });
  }

  it('with the port of its service, unless it has another one', async () => {
    const cache = 'my-cache.redis.cache.windows.net';
    const { clients } = await seen(`
      new Redis({ host: '${cache}', lazyConnect }),
      new Redis({ host: '${cache}', port: 16380, lazyConnect }),
      new Redis({ host: HOST.toUpperCase(), lazyConnect })`);
    expect(clients.map(({ port }) => port)).to.deep.equal([6380, 16380, 10000]);
  });

  it('and keeps its TLS options', async () => {
    const { clients } = await seen(`
      new Redis({ host: HOST, tls: { ca: 'mine', servername: 'other' }, lazyConnect }),
      new Cluster([{ host: HOST, tls: { ca: 'of the node' } }], { lazyConnect }),
      new Cluster([HOST], { lazyConnect, redisOptions: { tls: { ca: 'of all' } } })`);
    expect(clients.map(({ tls }) => tls)).to.deep.equal([
      { servername: 'other', ca: 'mine' },
      { servername: HOST, ca: 'of the node' },
      { servername: HOST, ca: 'of all' },
    ]);
  });

  it('and names itself in CLIENT LIST, beside the tag of the program', async () => {
    const code = `${CLIENT} console.log(new Redis({ host: HOST, clientInfoTag: 'mine', lazyConnect }).options.clientInfoTag)`;
    const program = await Program.start(['-e', code], {});
    expect(await program.output()).to.match(/^mine;ioredis-azure_v\d/);
  });

  it('and no others', async () => {
    const { clients, stderr } = await seen(`
      new Redis({ lazyConnect }),
      new Redis({ host: 'redis.example.com', password: 'secret', lazyConnect }),
      new Redis({ host: HOST, path: '/tmp/redis.sock', lazyConnect }),
      new Redis({ host: HOST, sentinels: [{ host: HOST }], name: 'main', lazyConnect }),
      new Cluster([HOST, 'redis.example.com'], { lazyConnect }),
      new Cluster([], { lazyConnect })`);
    expect(clients.map(({ isManaged, tls }) => [isManaged, tls])).to.deep.equal(
      clients.map(() => [false, undefined]),
    );
    expect(stderr).to.equal('');
  });

  it('of the hosts that IOREDIS_AZURE_HOSTS lists, and of no others', async () => {
    const code = "new Redis({ host: HOST, lazyConnect }), new Redis({ host: 'Redis.internal', lazyConnect })";
    const { clients } = await seen(code, { IOREDIS_AZURE_HOSTS: 'redis.internal' });
    expect(clients.map(({ isManaged }) => isManaged)).to.deep.equal([false, true]);
    expect(clients[1]).to.include({ port: 6379 });
  });

  describe('without a password of its own', () => {
    const code = `
      new Redis({ host: HOST, password: 'secret', lazyConnect }),
      new Redis(\`redis://:secret@\${HOST}\`, { lazyConnect }),
      new Cluster([{ host: HOST, password: 'secret' }], { lazyConnect }),
      new Cluster([HOST], { lazyConnect, redisOptions: { password: 'secret' } })`;

    it('and warns once of one that has', async () => {
      const { clients, stderr } = await seen(code);
      expect(clients.map(({ isManaged }) => isManaged)).to.deep.equal([false, false, false, false]);
      expect(stderr.match(/^\(node.*$/gm)).to.have.length(2);
      expect(stderr)
        .to.match(/IoredisAzureWarning: A client of my-cache\S+:10000 has a password of its own/)
        .and.match(/IoredisAzureWarning: A Cluster of my-cache\S+:10000 has a password of its own/)
        .and.include('set IOREDIS_AZURE_REPLACE_PASSWORD=true')
        .and.not.include('secret');
    });

    it('unless IOREDIS_AZURE_REPLACE_PASSWORD is set', async () => {
      const { clients, stderr } = await seen(code, { IOREDIS_AZURE_REPLACE_PASSWORD: 'true' });
      expect(clients).to.deep.equal([managed, managed, managed, managed]);
      expect(stderr).to.equal('');
    });
  });

  it('without a Connector of its own, and warns of one that has', async () => {
    const { clients, stderr } = await seen(
      'new Redis({ host: HOST, Connector: class { disconnect() {} }, lazyConnect })',
    );
    expect(clients).to.deep.equal([{ host: HOST, port: 6379, isManaged: false }]);
    expect(stderr).to.include('has a Connector of its own').and.include('Remove the option `Connector`');
  });

  it('and reports a misspelt variable', async () => {
    const { stderr } = await seen('new Redis({ lazyConnect })', { IOREDIS_AZURE_HOST: 'localhost' });
    expect(stderr).to.include('IOREDIS_AZURE_HOST has no effect').and.include('IOREDIS_AZURE_HOSTS,');
  });

  it('and prints with DEBUG which clients it manages, and why it does not', async () => {
    const code = `
      new Redis({ host: HOST, lazyConnect }),
      new Cluster([HOST], { lazyConnect }),
      new Redis({ lazyConnect }),
      new Redis({ path: '/tmp/redis.sock', lazyConnect }),
      new Redis({ host: HOST, password: 'secret', lazyConnect })`;
    const { stderr } = await seen(code, { DEBUG: 'ioredis-azure:*' });
    expect(stderr.match(/ioredis-azure:register .*/g)).to.deep.equal([
      `ioredis-azure:register A client of ${HOST}:10000 is managed`,
      `ioredis-azure:register A Cluster of ${HOST}:10000 is managed`,
      "ioredis-azure:register A client of localhost:6379 is left alone: its host has no suffix of Azure's caches",
      'ioredis-azure:register A client of /tmp/redis.sock is left alone: it connects to a socket, or by sentinels',
      `ioredis-azure:register A client of ${HOST}:10000 is left alone: it has a password of its own`,
    ]);
  });
});
