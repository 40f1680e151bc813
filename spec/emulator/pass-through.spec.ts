import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { encodeCommand } from '../../emulator/resp/encode.js';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import { RawClient } from '../support/raw-client.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { until } from '../support/waiting.js';

const MEGABYTE = 1024 * 1024;

describe('AzureRedisEmulator: pass-through', () => {
  const fixture = RawCache.forAll();

  async function loginBytes(): Promise<Buffer> {
    const { credential } = fixture.azure.options;
    return encodeCommand(['AUTH', credential.oid, await tokenOf(credential)]);
  }

  it('handles a conversation that is split at any byte', async () => {
    const { credential } = fixture.azure.options;
    const { oid } = credential;
    const token = await tokenOf(credential);
    const conversation = Buffer.concat([
      encodeCommand(['SET', 'split', 'before the login']),
      Buffer.from(`AUTH ${oid} "${token}"\r\n`),
      encodeCommand(['SET', 'split', 'a\r\n$3\r\nGET\r\n*1\r\n']),
      Buffer.from('\r\n*0\r\nPING inline\n'),
      encodeCommand(['hello', '2', 'auth', oid, 'no token']),
      encodeCommand(['AUTH', oid, token]),
      encodeCommand(['GET', 'split']),
      encodeCommand(['RESET']),
    ]);
    const answer =
      '-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n$6\r\ninline\r\n' +
      '-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n$16\r\na\r\n$3\r\nGET\r\n*1\r\n\r\n+RESET\r\n';

    const client = await fixture.connect();
    // Byte by byte below; the framers are tested with every split.
    for (let at = 1; at < conversation.length; at += 13) {
      await client.sendPacket(conversation.subarray(0, at));
      await client.sendPacket(conversation.subarray(at));
      await client.expect(answer);
    }
    for (const byte of conversation) await client.sendPacket(Buffer.of(byte));
    await client.expect(answer);
  });

  it('passes on input that arrives during a login after it, in order', async () => {
    const client = await fixture.connect();
    client.send(await loginBytes());
    for (let index = 0; index < 1_000; index++) client.command('PING', String(index));
    await client.expect('+OK\r\n');
    for (let index = 0; index < 1_000; index++) {
      await client.expect(`$${String(index).length}\r\n${index}\r\n`);
    }
  });

  it('passes large values both ways', async () => {
    const client = await fixture.login();
    const value = Buffer.alloc(32 * MEGABYTE, 'value');
    client.command('SET', 'big', value);
    client.command('GET', 'big');
    await client.expect(`+OK\r\n$${value.length}\r\n`);
    expect(Buffer.from(await client.receive(value.length)).equals(value)).to.equal(true);
  });

  describe('with a client that reads slowly', () => {
    it('makes the server wait instead of buffering its replies', async () => {
      await fixture.azure.server.call('SET', 'piece', Buffer.alloc(MEGABYTE));
      const client = await fixture.login();
      client.pause();
      for (let index = 0; index < 200; index++) client.command('GET', 'piece');
      const kept = await serverKeeps(100 * MEGABYTE);
      expect(kept).to.be.above(100 * MEGABYTE);
      client.resume();
      await client.receive(200 * (MEGABYTE + '$1048576\r\n\r\n'.length));
    });

    /** Resolves once the server's own output buffers hold this much. */
    async function serverKeeps(bytes: number): Promise<number> {
      let kept = 0;
      await until(async () => {
        const clients = String(await fixture.azure.server.call('CLIENT', 'LIST'));
        kept = Math.max(...[...clients.matchAll(/ omem=(\d+)/g)].map(([, omem]) => Number(omem)));
        return kept > bytes;
      });
      return kept;
    }
  });

  it('makes a client wait while the server does not read', async () => {
    const client = await fixture.login();
    const info = String(await fixture.azure.server.call('INFO', 'server'));
    const server = Number(/process_id:(\d+)/.exec(info)?.[1]);
    const before = process.memoryUsage().arrayBuffers;
    const chunk = encodeCommand(['SET', 'chunk', Buffer.alloc(MEGABYTE)]);
    let taken = 0;
    let sending: Promise<void> | undefined;
    process.kill(server, 'SIGSTOP');
    try {
      // What the system's buffers do not take any more is not taken by the endpoint either.
      sending = (async () => {
        for (; taken < 100; taken++) await client.sendPacket(chunk);
      })();
      for (let last = -1; taken !== last || taken === 0;) {
        last = taken;
        await sleep(500);
      }
      expect(taken).to.be.below(50);
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(50 * MEGABYTE);
    } finally {
      process.kill(server, 'SIGCONT');
    }
    await sending;
    await client.expect('+OK\r\n'.repeat(100));
  });

  describe('to a client that half-closes', () => {
    it('delivers every reply in flight', async () => {
      await fixture.azure.server.call('SET', 'piece', Buffer.alloc(MEGABYTE));
      const client = await fixture.connect();
      client.send(await loginBytes());
      for (let index = 0; index < 50; index++) client.command('GET', 'piece');
      client.command('PING', 'last');
      client.end();
      const answer = await client.rest();
      expect(answer).to.have.lengthOf(5 + 50 * (MEGABYTE + 12) + 10);
      expect(answer).to.match(/\$4\r\nlast\r\n$/);
    });

    it('delivers the reply to a login in progress', async () => {
      const client = await fixture.connect();
      client.send(await loginBytes());
      client.end();
      expect(await client.rest()).to.equal('+OK\r\n');
    });

    it('passes the FIN on at once if only a blocking command is pending', async () => {
      const client = await fixture.login();
      client.command('PING');
      client.command('BLPOP', 'no such list', '0');
      client.end();
      expect(await client.rest()).to.equal('+PONG\r\n');
    });

    it('passes the FIN on at once for a subscriber', async () => {
      const client = await fixture.login();
      client.command('SUBSCRIBE', 'news');
      client.end();
      expect(await client.rest()).to.equal('*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n');
    });
  });

  it('closes the connection when the server does, after the last reply', async () => {
    const client = await fixture.login();
    // In one packet: a write to a connection that the server has closed would discard what it sent last.
    client.send(Buffer.concat([encodeCommand(['QUIT']), encodeCommand(['PING'])]));
    expect(await client.rest()).to.equal('+OK\r\n');
  });

  it('passes a malformed command to the server, which answers and closes', async () => {
    for (const [bytes, answer] of [
      ['*1\r\n+3\r\nGET\r\n', "-ERR Protocol error: expected '$', got '+'\r\n"],
      ['*x\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
      ['*3\r\n$3\r\nSET\r\n$-5\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
      ['SET key "unbalanced\r\n', '-ERR Protocol error: unbalanced quotes in request\r\n'],
      ['A'.repeat(70_000), '-ERR Protocol error: too big inline request\r\n'],
    ] as const) {
      const client = await fixture.login();
      client.send(bytes);
      expect(await client.rest()).to.equal(answer);
    }
  });

  it('returns the same bytes as the server', async () => {
    const redis = await RedisOnTcp.start();
    const azure = await AzureRedisEmulator.start({ upstream: redis });
    const direct = await RawClient.connect(redis);
    const through = await RawClient.connect(azure);
    try {
      direct.command('AUTH', redis.password);
      through.command('AUTH', azure.accessKey);
      for (const client of [direct, through]) {
        for (const args of CONVERSATION) client.command(...args);
        client.command('QUIT');
      }
      const answer = await direct.rest();
      expect(answer).to.contain('WRONGTYPE').and.to.contain('~').and.to.contain('message');
      // HELLO tells each client a number of its own.
      const id = /(?<=\$2\r\nid\r\n):\d+/;
      expect((await through.rest()).replace(id, '')).to.equal(answer.replace(id, ''));
    } finally {
      direct.destroy();
      through.destroy();
      await azure.stop();
      await redis.stop();
    }
  });
});

const CONVERSATION: readonly (readonly string[])[] = [
  ['FLUSHALL'],
  ['RPUSH', 'list', 'a', 'b', '', '\r\n'],
  ['LRANGE', 'list', '0', '-1'],
  ['GET', 'list'],
  ['GET', 'nothing'],
  ['MULTI'],
  ['INCR', 'counter'],
  ['LRANGE', 'list', '0', '-1'],
  ['EXEC'],
  ['EVAL', "return {1, {ok='fine'}, {err='ERR bad'}, {'nested', {false}}}", '0'],
  ['SUBSCRIBE', 'one', 'two'],
  ['PING'],
  ['UNSUBSCRIBE'],
  ['HELLO', '3'],
  ['SADD', 'set', 'member'],
  ['SMEMBERS', 'set'],
  ['HSET', 'hash', 'field', 'value'],
  ['HGETALL', 'hash'],
  ['ZADD', 'sorted', '1.5', 'member'],
  ['ZSCORE', 'sorted', 'member'],
  ['SUBSCRIBE', 'one'],
  ['PUBLISH', 'one', 'message'],
  ['GET', 'nothing'],
  ['RESET'],
];
