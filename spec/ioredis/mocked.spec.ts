import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Cache } from '../support/cache.js';

const run = promisify(execFile);

/** As `jest.mock('ioredis')` and ioredis-mock do: a module in the place of ioredis that has none of its parts. */
const MOCK = `
  const { Module } = require('node:module');
  const load = Module._load;
  Module._load = (name, ...rest) => (name === 'ioredis' ? { Redis: class {}, default: class {} } : load(name, ...rest));
`;

describe('the package', () => {
  it('can be imported while ioredis is mocked', async () => {
    const program = `${MOCK}
      const { configureForAzure, Multiplexer } = require('./dist/index.cjs');
      configureForAzure({ host: 'localhost', port: 1, tls: false, accessKey: 'key' }).then(
        ({ username }) => console.log(typeof Multiplexer.connect, username),
      );`;
    const { stdout } = await run(process.execPath, ['-e', program]);
    expect(stdout.trim()).to.equal('function default');
  });
});

describe('a client with frozen intrinsics', () => {
  const cache = Cache.forEach();

  it('logs in', async () => {
    const { host, port, ca } = cache.azure;
    const settings = JSON.stringify({ host, port, tls: { ca }, accessKey: cache.azure.accessKey });
    const program = `
      const { Redis } = require('ioredis');
      const { configureForAzure } = require('./dist/index.cjs');
      configureForAzure(${settings}).then(async (options) => {
        // Redis 7.0 refuses CLIENT SETINFO, and ioredis itself fails to create the error where the intrinsics are frozen.
        const redis = new Redis({ ...options, disableClientInfo: true });
        console.log(await redis.ping());
        redis.disconnect();
      });`;
    const { stdout } = await run(process.execPath, ['--frozen-intrinsics', '-e', program]);
    expect(stdout.trim()).to.equal('PONG');
  });
});
