import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../emulator/ports.js';
import { startAzure, type Azure } from '../register/support/azure.js';
import { Program, REGISTER } from '../register/support/program.js';
import { times } from '../support/waiting.js';
import { Project } from './support/project.js';

/** Three expire before the last is issued. */
const TOKENS = 5;

/** The versions of Node.js beside the one that runs this. */
const NODES = ['22', '24', '26'];
const BINARY = `node-${process.platform}-${process.arch}`;

describe('published programs that know nothing of Azure, with ioredis-azure/register', () => {
  let project: Project;
  let azure: Azure;
  let program: Program;
  before(async () => {
    const dependencies = {
      ioredis: '^6',
      'ioredis-5.3': 'npm:ioredis@5.3.2',
      'redis-commander': '^0.9.0',
      'bull-repl': '^1.10.2',
      ...Object.fromEntries(NODES.map((major) => [`node-${major}`, `npm:${BINARY}@^${major}.0.0`])),
    };
    // A dependency of bull-repl downloads a program that it runs only to filter jobs.
    project = await Project.create([], dependencies, ['npm', 'install', '--ignore-scripts', '--no-audit']);
  });
  beforeEach(async () => {
    azure = await startAzure(3_000);
  });
  afterEach(async () => {
    await program.kill();
    expect(azure.cache.statistics.evictions).to.deep.equal([]);
    expect(azure.cache.statistics.refusals).to.deep.equal([]);
    await azure.stop();
  });
  after(() => project.remove());

  function start(args: readonly string[], node?: string): Program {
    return new Program([...REGISTER, ...args], azure.environment, project.folder, node);
  }

  it('redis-commander shows the keys of the cache', async () => {
    const { host, port } = azure.cache;
    await azure.cache.server.call('SET', 'greeting', 'hello');
    const flags = [
      '--redis-host',
      host,
      '--redis-port',
      String(port),
      '--port',
      String(await freePort()),
      '--address',
      '127.0.0.1',
    ];
    program = start(['node_modules/redis-commander/bin/redis-commander.js', ...flags, '--nosave']);
    const url = await program.printed(/listening on (127\.0\.0\.1:\d+)/);
    await times(TOKENS, azure.entra, 'token');
    const connection = `R:${host}:${port}:0`;
    const answer = await fetch(`http://${url}/apiv2/key/${connection}/greeting`);
    expect(await answer.text()).to.include('hello');
    expect(azure.cache.statistics.connections).to.have.length(1);
  });

  it('bull-repl counts the jobs of a queue of BullMQ', async () => {
    const { host, port } = azure.cache;
    program = start(['node_modules/bull-repl/index.js']);
    await program.printed(/BULL-REPL>/);
    program.type(`connect -h ${host} -p ${port} jobs`);
    await program.printed(/Connected to/);
    await times(TOKENS, azure.entra, 'token');
    await azure.cache.server.call('LPUSH', 'bull:jobs:wait', '1', '2', '3');
    program.type('stats');
    expect(await program.printed(/wait +│ (\d+)/)).to.equal('3');
    expect(azure.cache.statistics.connections).to.have.length(1);
  });

  for (const major of ['20', ...NODES]) {
    it(`one with ioredis 5.3 counts exactly, on Node.js ${major}`, async () => {
      const node = join(project.folder, 'node_modules', `node-${major}`, 'bin', 'node');
      program = start(
        [
          '-e',
          `const Redis = require('ioredis-5.3');
       const redis = new Redis(process.env.REDIS_PORT, process.env.REDIS_HOST);
       let count = 0;
       const timer = setInterval(() => redis.incr('count').then(() => (count += 1)), 5);
       process.once('SIGTERM', async () => {
         clearInterval(timer);
         await redis.quit();
         console.log(count);
       });`,
        ],
        major === '20' ? undefined : node,
      );
      await times(TOKENS, azure.entra, 'token');
      const count = await program.result<number>();
      expect(Number(await azure.cache.server.call('GET', 'count')))
        .to.equal(count)
        .and.to.be.above(100);
    });
  }
});
