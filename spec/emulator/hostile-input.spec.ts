import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCommand } from '../../emulator/resp/encode.js';
import { RawCache } from '../support/raw-cache.js';
import { splitBytes } from './resp/splitting.js';

const command = fc
  .constantFrom(
    ['SET', 'key', 'value'],
    ['set', 'key', '*1\r\n$4\r\nPING\r\n'],
    ['MULTI'],
    ['EXEC'],
    ['EVAL', "return redis.call('SET', 'key', 'value')", '0'],
    ['SUBSCRIBE', 'news'],
    ['RESET'],
    ['AUTH', 'token'],
    ['AUTH', 'default', ''],
    ['AUTH', 'somebody', 'eyJ.e30.'],
    ['HELLO', '3', 'AUTH', 'default', ''],
    ['HELLO', '3', 'SETNAME', 'name', 'AUTH'],
    ['CLIENT', 'SETNAME', 'name'],
    ['CLIENT', 'REPLY', 'OFF'],
  )
  .chain((args) =>
    fc.constantFrom(
      encodeCommand(args),
      Buffer.from(`${args.map((arg) => JSON.stringify(arg)).join(' ')}\r\n`),
    ),
  );
const rubbish = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('*', '$', '*3\r\n', '$5\r\n', '*-1\r\n', '$-1\r\n', '*2147483647\r\n', '\r\n', '"', '\0')
    .map((text) => Buffer.from(text)),
);
const input = fc
  .array(fc.oneof({ weight: 3, arbitrary: command }, rubbish), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts));

describe('AzureRedisEmulator: input without a login', () => {
  const fixture = RawCache.forAll();

  afterEach(async () => {
    const client = await fixture.login();
    client.command('PING');
    await client.expect('+PONG\r\n');
    client.destroy();
  });

  it('runs nothing, and affects no other client', async () => {
    const { server } = fixture.azure;
    await fc.assert(
      fc.asyncProperty(input, splitBytes, async (bytes, split) => {
        const client = await fixture.connect();
        for (const packet of split(bytes)) client.send(packet);
        client.end();
        const answer = await client.rest();
        client.destroy();
        expect(answer.split('\r\n').filter((line) => !/^(-|\+RESET$|$)/.test(line))).to.deep.equal([]);
        expect(await server.call('DBSIZE')).to.equal(0);
      }),
      { numRuns: 200 },
    );
    expect(fixture.azure.statistics.logins).to.deep.equal([]);
  });

  it('may be something other than TLS', async () => {
    const { port } = fixture.azure;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const socket = connect({ port, host: '127.0.0.1' });
        socket.on('error', () => undefined);
        await new Promise((resolve) => socket.write(bytes, resolve));
        socket.destroy();
        await once(socket, 'close');
      }),
      { numRuns: 50 },
    );
  });
});
