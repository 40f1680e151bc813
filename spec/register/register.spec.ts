import { expect } from 'chai';
import { next, times } from '../support/waiting.js';
import { startAzure, type Azure } from './support/azure.js';
import { Program, REGISTER, removeBuilt, ROOT } from './support/program.js';

const CLIENT = `
  const { Redis, Cluster } = require('ioredis');
  const { REDIS_HOST: host, REDIS_PORT: port } = process.env;`;

/** Prints the modules that this package has loaded. */
const LOADED = `
  const files = Object.keys(require.cache).filter((file) => !/node_modules.(?!@azure)/.test(file));
  console.log(JSON.stringify(files.map((file) => file.replace(process.cwd() + require('path').sep, ''))));`;

/** An HTTP status after which the identity library itself does not try again. */
const NOT_RETRIED = 501;

describe('ioredis-azure/register', () => {
  let azure: Azure;
  let program: Program | undefined;
  before(async () => {
    azure = await startAzure(60_000);
  });
  afterEach(async () => {
    await program?.kill();
    azure.entra.restored();
  });
  after(async () => {
    await azure.stop();
    await removeBuilt();
  });

  async function loadedBy(code: string): Promise<string[]> {
    program = await Program.start(['-e', code + LOADED], azure.environment);
    return JSON.parse(await program.output()) as string[];
  }

  it('loads one small file into a program without ioredis', async () => {
    expect(await loadedBy('')).to.deep.equal(['dist/register/index.cjs']);
  });

  it('does not load the library for a client of another host', async () => {
    const loaded = await loadedBy(`${CLIENT} new Redis({ host: 'elsewhere', lazyConnect: true });`);
    expect(loaded).to.include('dist/register/clients.cjs').and.not.include('dist/register/login.cjs');
  });

  it('requests no token, and loads no identity library, before a client connects', async () => {
    const before = azure.entra.statistics.requests.length;
    const loaded = await loadedBy(`${CLIENT} new Redis({ host, port, lazyConnect: true });`);
    expect(loaded).to.include('dist/register/login.cjs');
    expect(loaded.filter((file) => file.includes('@azure'))).to.deep.equal([]);
    expect(azure.entra.statistics.requests).to.have.length(before);
  });

  const PING = `${CLIENT} const redis = new Redis({ host, port });
    redis.ping().then(console.log).then(() => redis.quit());`;

  for (const register of [
    ['--require', 'ioredis-azure/register'],
    [...REGISTER, '--require', 'ioredis-azure/register'],
    [...REGISTER, '--import', `${ROOT}dist/register/index.cjs?another`],
  ]) {
    it(`manages a client once: ${register.join(' ').replace(ROOT, '')}`, async () => {
      const environment = { ...azure.environment, DEBUG: 'ioredis-azure:*' };
      program = await Program.start(['-e', PING], environment, { register });
      expect(await program.output()).to.equal('PONG');
      expect(program.stderr.match(/ is managed/g)).to.have.length(1);
    });
  }

  it('reaches programs and their workers through NODE_OPTIONS', async () => {
    const environment = { ...azure.environment, NODE_OPTIONS: REGISTER.join(' ') };
    program = await Program.start('workers', environment, { register: [] });
    expect(await program.output()).to.equal('PONG');
  });

  it('uses one token for all clients of a process', async () => {
    const before = azure.entra.statistics.tokens.length;
    program = await Program.start(
      [
        '-e',
        `${CLIENT} const clients = Array.from({ length: 10 }, () => new Redis({ host, port }));
         Promise.all(clients.map((client) => client.ping())).then((all) => { console.log(all.length); process.exit(); });`,
      ],
      azure.environment,
    );
    expect(await program.output()).to.equal('10');
    expect(azure.entra.statistics.tokens).to.have.length(before + 1);
  });

  it('logs in as IOREDIS_AZURE_USERNAME says', async () => {
    const environment = { ...azure.environment, IOREDIS_AZURE_USERNAME: 'someone-else' };
    const code = `${CLIENT} new Redis({ host, port }).once('error', ({ code }) => { console.log(code); process.exit(); });`;
    program = await Program.start(['-e', code], environment);
    expect(await program.output()).to.equal('WRONGPASS');
  });

  for (const [kind, create] of [
    ['client', 'new Redis({ host, port })'],
    ['Cluster', 'new Cluster([{ host, port }])'],
  ] as const) {
    it(`reports an identity that does not work by the \`error\` event, and retries: ${kind}`, async () => {
      azure.entra.failing(NOT_RETRIED);
      program = await Program.start(
        [
          '-e',
          `${CLIENT} const redis = ${create};
           redis.on('error', ({ code, hint }) => console.log(code, hint));`,
        ],
        azure.environment,
      );
      await program.printed(/TOKEN_(?:UNAVAILABLE|REFUSED) [A-Z]\w+/);
      const login = next(azure.cache, 'login');
      azure.entra.restored();
      await login;
    });
  }

  it('requests no token more often than the pauses between the attempts permit', async () => {
    azure.entra.failing(NOT_RETRIED);
    const code = `${CLIENT} const redis = new Redis({ host, port, retryStrategy: () => 1 });
      let errors = 0; redis.on('error', () => (errors += 1) === 3 && redis.disconnect());`;
    const before = azure.entra.statistics.requests.length;
    const start = performance.now();
    program = await Program.start(['-e', code], azure.environment);
    await program.output();
    expect(azure.entra.statistics.requests.length - before).to.be.at.most(3);
    expect(performance.now() - start).to.be.above(1_500);
  });

  it('does not connect with insecure TLS options, and says so', async () => {
    const code = `${CLIENT} const redis = new Redis({ host, port, tls: { rejectUnauthorized: false } });
      redis.on('error', ({ code, hint }) => console.log(code, hint));`;
    program = await Program.start(['-e', code], azure.environment);
    expect(await program.output()).to.match(/^INSECURE_CONNECTION Set `tls.ca`/);
  });

  it('keeps a client logged in that a program configures itself, but with another copy of ioredis', async () => {
    azure.entra.tokenLifetime = 3_000;
    program = await Program.start('configured', azure.environment, { form: 'bundle' });
    await next(azure.cache, 'login');
    await times(3, azure.entra, 'token');
    expect((await program.result<{ other: number }>()).other).to.be.above(100);
    expect(azure.cache.statistics.evictions).to.deep.equal([]);
    azure.entra.tokenLifetime = 60_000;
  });
});
