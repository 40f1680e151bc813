import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rejection } from '../support/rejection.js';
import { next, until } from '../support/waiting.js';
import { eventOf, Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

const run = promisify(execFile);

const APPLICATION = fileURLToPath(new URL('./support/application.ts', import.meta.url));

for (const protocol of PROTOCOLS) {
  describe(`close() with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach({ tokenLifetime: 5_000 });

    it('waits for the replies in flight, and quits', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      await multiplexer.subscribe('news');
      const replies = Array.from({ length: 500 }, () => multiplexer.interactive.incr('counter'));
      const big = multiplexer.interactive.eval("return string.rep('x', 5000000)", 0);
      const published = multiplexer.publish('news', 'hello');
      const closing = multiplexer.close();
      expect(multiplexer.status).to.equal('closing');
      expect(multiplexer.close()).to.equal(closing);
      await closing;
      expect(multiplexer.status).to.equal('closed');
      expect((await Promise.all(replies)).at(-1)).to.equal(500);
      expect(await big).to.have.length(5_000_000);
      expect(await published).to.equal(1);
      await until(() => multiplexers.azure.statistics.open.length === 0);
      expect(multiplexer.authenticator.connections).to.deep.equal([]);
    });

    it('ends a multiplexer whose connections are lost', async () => {
      const multiplexer = await multiplexers.connect({ protocol, retryStrategy: () => 60_000 });
      await multiplexer.subscribe('news');
      multiplexers.azure.refuseLogins();
      multiplexers.azure.dropConnections();
      await until(() => multiplexer.connections.every(({ status }) => status === 'reconnecting'));
      const waiting = rejection(multiplexer.subscribe('late'));
      await multiplexer.close();
      expect((await waiting).code).to.equal('CLOSED');
      expect(multiplexer.status).to.equal('closed');
      expect(multiplexer.interactive.status).to.equal('end');
    });

    it('lets the process end, and prints nothing', async () => {
      const { azure } = multiplexers;
      // A process may take its time to start.
      const credential = azure.credential({ tokenLifetime: 60_000 });
      const options = {
        host: azure.host,
        port: azure.port,
        tls: azure.options.tls,
        protocol,
        accessToken: await credential.getToken('https://redis.azure.com/.default'),
      };
      // The application subscribes, has its connections dropped, and closes.
      const dropping = (async () => {
        await until(async () => String(await azure.server.call('GET', 'dropped')) === 'please');
        azure.dropConnections();
      })();
      const { stdout, stderr } = await run(
        process.execPath,
        [...process.execArgv, '--import', 'tsx', APPLICATION, JSON.stringify(options)],
        { env: { ...process.env, NODE_OPTIONS: '' } },
      );
      await dropping;
      expect(stdout + stderr).to.equal('');
    });
  });
}

describe('close()', () => {
  const multiplexers = Multiplexers.forEach({ tokenLifetime: 5_000 });

  it('waits for the replies to autopipelined commands', async () => {
    const multiplexer = await multiplexers.connect({ enableAutoPipelining: true });
    const replies = Array.from({ length: 10 }, () => multiplexer.interactive.incr('counter'));
    await multiplexer.close();
    expect((await Promise.all(replies)).at(-1)).to.equal(10);
  });

  it('rejects further commands', async () => {
    const multiplexer = await multiplexers.connect();
    const subscription = await multiplexer.subscribe('news');
    const closing = multiplexer.close();
    for (const when of ['while it closes', 'afterwards']) {
      expect((await rejection(multiplexer.publish('news', when))).code).to.equal('CLOSED');
      expect((await rejection(multiplexer.subscribe('news'))).code).to.equal('CLOSED');
      expect((await rejection(multiplexer.interactive.get('key'))).code).to.equal('CLOSED');
      await subscription.unsubscribe();
      await closing;
    }
  });

  it('ends the iteration over subscriptions after the waiting messages', async () => {
    const multiplexer = await multiplexers.connect();
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', listener);
    const subscription = await multiplexer.subscribe('news');
    await multiplexer.publish('news', 'last');
    await until(() => calls.length === 1);
    await multiplexer.close();
    const texts: string[] = [];
    for await (const { message } of subscription) texts.push(message);
    expect(texts).to.deep.equal(['last']);
  });

  it('follows automatically when ioredis gives up the interactive connection', async () => {
    const multiplexer = await multiplexers.connect({ retryStrategy: () => null });
    const error = eventOf(multiplexer, 'error');
    multiplexers.azure.dropConnections();
    expect((await error).code).to.equal('CONNECTION_FAILED');
    await multiplexer.close();
    expect(multiplexer.status).to.equal('closed');
  });

  it('is called at the end of an `await using` scope', async () => {
    const shared = await multiplexers.connect();
    {
      await using multiplexer = await multiplexers.connect({
        authenticator: shared.authenticator,
      });
      await multiplexer.publish('news', 'hello');
    }
    await until(() => multiplexers.azure.statistics.open.length === shared.connections.length);
  });

  it('of its authenticator makes forceReconnect() reject, and leaves the connections', async () => {
    const multiplexer = await multiplexers.connect();
    multiplexer.authenticator.close();
    expect((await rejection(multiplexer.forceReconnect())).code).to.equal('CLOSED');
    expect(await multiplexer.interactive.set('key', 'value')).to.equal('OK');
  });

  it('leaves the authenticator usable for another multiplexer', async () => {
    const credential = multiplexers.azure.credential({ tokenLifetime: 12_000 });
    const first = await multiplexers.connect({ credential });
    const { authenticator } = first;
    await first.close();
    // Nobody needs a token now.
    const tokens = multiplexers.azure.statistics.tokensIssued.length;
    const second = await multiplexers.connect({ authenticator });
    expect(multiplexers.azure.statistics.tokensIssued.length).to.equal(tokens);
    const { calls, listener } = recorder();
    await second.subscribe('news', listener);
    await next(authenticator, 'tokenRefreshed');
    await second.publish('news', 'hello');
    await until(() => calls.length === 1);
  });
});
