import { expect } from 'chai';
import { freePort } from '../../emulator/ports.js';
import { startAzure, type Azure } from '../register/support/azure.js';
import { Program, REGISTER } from '../register/support/program.js';
import { times } from '../support/waiting.js';
import { Project } from './support/project.js';
import { NODES } from './support/projects.js';

/** Three expire before the last is issued. */
const TOKENS = 5;

describe('published programs that know nothing of Azure, with ioredis-azure/register', () => {
  const project = new Project('newest');
  let azure: Azure;
  let program: Program;
  beforeEach(async () => {
    azure = await startAzure(3_000);
  });
  afterEach(async () => {
    await program.kill();
    expect(azure.cache.statistics.evictions).to.deep.equal([]);
    expect(azure.cache.statistics.refusals).to.deep.equal([]);
    await azure.stop();
  });

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

  for (const major of NODES) {
    it(`one with ioredis 5.3 counts exactly, on Node.js ${major}`, async () => {
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
        project.nodeOf(major),
      );
      await times(TOKENS, azure.entra, 'token');
      const count = await program.result<number>();
      expect(Number(await azure.cache.server.call('GET', 'count')))
        .to.equal(count)
        .and.to.be.above(100);
    });
  }
});
