import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCommand } from '../../emulator/resp/encode.js';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import { until } from '../support/waiting.js';
import { splitBytes } from './resp/splitting.js';

type CommandLine = readonly string[];

describe('AzureRedisEmulator: the replies to logins', () => {
  const fixture = RawCache.forAll({ product: 'cache' }); // Azure Managed Redis blocks CLIENT REPLY.

  /** Identities stand for themselves in the generated commands: their tokens are put in later. */
  const login = fc.constantFrom<CommandLine>(
    ['AUTH', 'anna', 'token'],
    ['AUTH', 'bert', 'token'],
    ['AUTH', 'anna', 'wrong'],
    ['AUTH', 'anna'],
    ['AUTH'],
  );
  const hello = fc.constantFrom<CommandLine>(
    ['HELLO', '2'],
    ['HELLO', '3'],
    ['HELLO', '4', 'AUTH', 'bert', 'token'],
    ['HELLO', '2', 'AUTH', 'anna', 'token'],
    ['HELLO', '3', 'AUTH', 'bert', 'token', 'SETNAME', 'name'],
    ['HELLO', '3', 'AUTH', 'bert', 'wrong'],
  );
  const plain = fc.constantFrom<CommandLine>(
    ['PING'],
    ['GET', 'nothing'],
    ['LRANGE', 'list', '0', '-1'],
    ['LLEN', 'string'],
    ['PUBLISH', 'one', 'message'],
    ['EVAL', "return {1, {'a', {err='ERR no'}}, {ok='QUEUED'}}", '0'],
    ['COMMAND', 'COUNT'],
    ['NOSUCHCOMMAND'],
    ['BLPOP', 'list', '0'],
    ['CLIENT', 'ID'],
    ['CLIENT', 'REPLY', 'LOUDER'],
  );
  const subscription = fc.constantFrom<CommandLine>(
    ['SUBSCRIBE', 'one'],
    ['SUBSCRIBE', 'one', 'two', 'one'],
    ['SUBSCRIBE'],
    ['PSUBSCRIBE', 'o*', '*'],
    ['SSUBSCRIBE', 'one', 'three'],
    ['UNSUBSCRIBE'],
    ['UNSUBSCRIBE', 'one', 'four'],
    ['PUNSUBSCRIBE'],
    ['PUNSUBSCRIBE', '*'],
    ['SUNSUBSCRIBE'],
  );
  const special = fc.constantFrom<CommandLine>(['RESET'], ['MONITOR'], ['DISCARD'], ['EXEC'], ['UNWATCH']);
  // Without HELLO, SUBSCRIBE and CLIENT REPLY, whose answers within a transaction no client can tell apart.
  const transaction = fc
    .tuple(fc.array(fc.oneof(plain, login), { maxLength: 4 }), fc.constantFrom('EXEC', 'DISCARD', 'RESET'))
    .map(([commands, end]): CommandLine[] => [['MULTI'], ...commands, [end]]);
  const silence = fc
    .array(fc.oneof(plain, login), { maxLength: 4 })
    .map((commands): CommandLine[] => [['CLIENT', 'REPLY', 'OFF'], ...commands, ['CLIENT', 'REPLY', 'ON']]);
  const skip = fc.oneof(plain, login).map((command): CommandLine[] => [['client', 'reply', 'skip'], command]);
  const single = fc.oneof(plain, login, hello, subscription, special).map((command) => [command]);
  const conversations = fc
    .array(fc.oneof({ weight: 6, arbitrary: single }, transaction, silence, skip), { maxLength: 20 })
    .map((blocks): CommandLine[] => [['HELLO', '3', 'AUTH', 'anna', 'token'], ...blocks.flat()]);

  /** What the server says of its only client beside the one that asks. */
  async function askServer(): Promise<ReadonlyMap<string, string>> {
    const own = `id=${String(await fixture.azure.server.call('CLIENT', 'ID'))} `;
    const clients = String(await fixture.azure.server.call('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    const [client = ''] = clients.filter((line) => !line.startsWith(own));
    return new Map([...client.matchAll(/(\S+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value]));
  }

  it('knows the user and the protocol after any conversation, split anywhere', async () => {
    const { azure } = fixture;
    const [anna, bert] = [azure.credential({ oid: 'anna' }), azure.credential({ oid: 'bert' })];
    const tokens = new Map([
      ['anna', await tokenOf(anna)],
      ['bert', await tokenOf(bert)],
    ]);
    await azure.server.call('SET', 'string', 'value');

    await fc.assert(
      fc.asyncProperty(conversations, splitBytes, async (conversation, split) => {
        // Whatever is blocked goes on at once.
        await azure.server.call('DEL', 'list');
        await azure.server.call('RPUSH', 'list', ...Array.from({ length: 50 }, String));
        const client = await fixture.connect();
        try {
          const commands = [...conversation, ['LOLWUT']].map((args) =>
            encodeCommand(
              args.map((arg, index) => (arg === 'token' ? (tokens.get(args[index - 1] ?? '') ?? '') : arg)),
            ),
          );
          for (const packet of split(Buffer.concat(commands))) client.send(packet);
          await until(async () => (await askServer()).get('cmd') === 'lolwut');

          const server = await askServer();
          const user = server.get('user');
          const expected = {
            user: user === 'default' ? undefined : user,
            protocol: Number(server.get('resp')),
          };
          const known = () => {
            const [open] = azure.statistics.open;
            return { user: open?.user, protocol: open?.protocol };
          };
          // The server's last bytes may still be on their way to the endpoint.
          const deadline = Date.now() + 1_000;
          await until(() => JSON.stringify(known()) === JSON.stringify(expected) || Date.now() > deadline);
          expect(known()).to.deep.equal(expected);
        } finally {
          client.destroy();
          await until(async () => (await askServer()).size === 0);
        }
      }),
      { numRuns: 150 },
    );
  });
});
