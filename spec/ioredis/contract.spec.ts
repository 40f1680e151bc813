import { Socket } from 'node:net';
import { expect } from 'chai';
import { AbstractConnector, Redis as Newest6 } from 'ioredis';
import { hooksOf } from '../../lib/ioredis/hooks.js';
import { internals, type Client, type Command as PendingCommand } from '../../lib/ioredis/client.js';
import { isPending } from '../../lib/ioredis/queues.js';
import { Cache } from '../support/cache.js';
import { VERSIONS } from '../support/ioredis-versions.js';
import { happens, next } from '../support/waiting.js';

/** What `lib/ioredis/` relies on, though ioredis does not document it. */
describe('the internals of ioredis', () => {
  const cache = Cache.forAll();
  // ioredis cannot read what another client sends while it enters MONITOR mode.
  afterEach(() => {
    cache.endClients();
  });

  for (const { name, Redis, Command, major } of VERSIONS) {
    describe(`in ${name}`, () => {
      it('defines the patched methods on its prototype, and calls them there', async () => {
        const options = await cache.configure();
        const client = cache.client({ Redis }, { ...options, lazyConnect: true });
        const prototype: object = Redis.prototype as object;
        const methods = ['sendCommand', 'handleReconnection', 'setStatus', 'disconnect'];
        for (const method of methods) {
          expect(Object.hasOwn(prototype, method), method).to.equal(true);
          expect(Object.hasOwn(client, method), method).to.equal(false);
        }
        await client.connect();
        expect(hooksOf(client), 'setStatus() was called while it connected').not.to.equal(undefined);
      });

      it('converts the password to a string for each login', async () => {
        const options = await cache.configure({ retryStrategy: () => 0 });
        const client = cache.client({ Redis }, options);
        await next(client, 'ready');
        const before = cache.azure.statistics.logins.length;
        const refusals = cache.azure.statistics.refusals.length;
        await options.authenticator.refresh();
        const ready = happens(client, 'ready');
        cache.azure.dropConnections();
        await ready;
        expect(cache.azure.statistics.logins.length).to.be.above(before);
        expect(cache.azure.statistics.refusals).to.have.lengthOf(refusals);
      });

      it('keeps its queues, its stream and the state of its connection in these properties', async () => {
        const client: Client = cache.client({ Redis }, await cache.configure());
        await new Promise<void>((resolve) => client.once('ready', resolve));
        const inner = internals(client);
        expect(inner.stream).to.have.property('writable', true);
        expect(inner.reconnectTimeout).to.equal(null);
        expect(inner.manuallyClosing).to.equal(false);
        expect(inner.condition).to.be.an('object');
        expect(inner.offlineQueue.length).to.equal(0);
        const reply = client.ping();
        expect(inner.commandQueue.length).to.equal(1);
        expect(inner.commandQueue.peekAt(0)?.command).to.have.property('name', 'ping');
        await reply;
        expect(inner.commandQueue.length).to.equal(0);
        for (const method of ['peekAt', 'remove', 'push'] as const) {
          expect(inner.commandQueue).to.have.property(method).that.is.a('function');
        }
      });

      it('keeps manuallyClosing after a disconnect() without a connection', () => {
        const client = new Redis({ lazyConnect: true, enableReadyCheck: false });
        client.status = 'end';
        client.disconnect();
        expect(internals(client).manuallyClosing).to.equal(true);
      });

      it('moves unanswered commands to `prevCommandQueue`, and sends them again', async () => {
        const client = cache.client({ Redis }, await cache.configure({ retryStrategy: () => 0 }));
        await next(client, 'ready');
        const popped = client.blpop('never filled', 0);
        const reconnecting = happens(client, 'reconnecting');
        cache.azure.dropConnections();
        await reconnecting;
        const inner = internals(client);
        expect(inner.prevCommandQueue?.peekAt(0)?.command).to.have.property('name', 'blpop');
        await happens(client, 'ready');
        await cache.azure.server.call('RPUSH', 'never filled', 'filled');
        expect(await popped).to.deep.equal(['never filled', 'filled']);
      });

      it('stores the negotiated protocol in `condition`, from version 6', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        let duringHandshake: boolean | undefined;
        client.once('connect', () => (duringHandshake = internals(client).condition?.handshake));
        await next(client, 'ready');
        const { condition } = internals(client);
        expect(condition?.protocol).to.equal(major === 6 ? 3 : undefined);
        expect(condition?.handshake).to.equal(major === 6 ? false : undefined);
        expect(duringHandshake).to.equal(major === 6 ? true : undefined);
      });

      if (major >= 6) {
        it('logs in with AUTH over RESP2 when HELLO is rejected with NOPROTO', async () => {
          const { tls, host, port, username = '', password } = await cache.configure();
          let current = 'not the token';
          const lookup = Object.assign(() => current, { toString: () => current }) as unknown as string;
          const client = new Redis({ ...(tls && { tls }), host, port, username, password: lookup });
          const { handleReconnection } = internals(client);
          const refused: string[] = [];
          internals(client).handleReconnection = (reply, item) => {
            const { name } = item.command;
            refused.push(`${name}: ${reply.message.split(' ')[0] ?? ''}`);
            current = String(password);
            handleReconnection.call(client, name === 'hello' ? new Error('NOPROTO') : reply, item);
          };
          try {
            expect(await client.ping()).to.equal('PONG');
            expect(refused[0]).to.equal('hello: WRONGPASS');
            expect(internals(client).condition?.protocol).to.equal(2);
          } finally {
            client.disconnect();
          }
        });
      }

      it('writes `args` when `toWritable` is called', () => {
        const command = new Command('auth', ['name', 'first']);
        command.args = ['name', 'second'];
        expect(Object.hasOwn(command, 'toWritable')).to.equal(false);
        expect(String(command.toWritable(undefined as never)))
          .to.contain('second')
          .and.not.contain('first');
      });

      it('answers a command by its `resolve`, once it has left the queue, and sends it again if it is asked to', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const command = new Command('get', ['missing']) as unknown as PendingCommand;
        const { resolve } = command;
        const replies: unknown[] = [];
        command.resolve = (reply) => {
          expect(isPending(client, command)).to.equal(false);
          replies.push(reply);
          if (replies.length === 1) internals(client).sendCommand(command);
          else resolve.call(command, reply);
        };
        internals(client).sendCommand(command);
        expect(await command.promise).to.equal(null);
        expect(replies).to.deep.equal([null, null]);
      });

      it('numbers the commands of a pipeline, and no other', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const positions = new Map<string, number | undefined>();
        const { sendCommand } = internals(client);
        internals(client).sendCommand = (command, stream) => {
          positions.set(command.name, command.pipelineIndex);
          return sendCommand.call(client, command, stream);
        };
        await Promise.all([client.get('alone'), client.pipeline().ttl('first').type('second').exec()]);
        expect([...positions]).to.deep.equal([
          ['get', undefined],
          ['ttl', 0],
          ['type', 1],
        ]);
      });

      it('marks the commands of a transaction that is written in one go, and no others', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const marks = new Map<string, boolean | undefined>();
        const { sendCommand } = internals(client);
        internals(client).sendCommand = (command, stream) => {
          const sent = sendCommand.call(client, command, stream);
          marks.set(command.name, command.inTransaction);
          return sent;
        };
        await Promise.all([client.get('alone'), client.multi().ttl('inside').exec()]);
        expect(marks.get('get')).to.equal(false);
        expect(marks.get('ttl')).to.equal(true);
      });

      it('deletes its own `sendCommand` when a connection in MONITOR mode closes', async () => {
        const client = cache.client({ Redis }, { ...(await cache.configure()), monitor: true });
        await next(client, 'monitoring');
        expect(Object.hasOwn(client, 'sendCommand')).to.equal(true);
        client.disconnect();
        await next(client, 'end');
        expect(Object.hasOwn(client, 'sendCommand')).to.equal(false);
      });

      it('passes each error reply to `handleReconnection`, which rejects the command with the error given', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const { handleReconnection } = internals(client);
        internals(client).handleReconnection = (reply, item) => {
          const isOurs = item.command.name === 'nonsense' && reply.message.startsWith('ERR unknown command');
          handleReconnection.call(client, isOurs ? new Error('in its place') : reply, item);
        };
        const error = await client.call('nonsense').catch((reason: unknown) => reason);
        expect(error).to.have.property('message', 'in its place');
      });

      it('ends on disconnect() in status `wait`, but not while it reconnects', async () => {
        const client = cache.client({ Redis }, await cache.configure({ retryStrategy: () => 60_000 }));
        await next(client, 'ready');
        const reconnecting = happens(client, 'reconnecting');
        cache.azure.dropConnections();
        await reconnecting;
        client.disconnect();
        expect(client.status).to.equal('reconnecting');
        client.status = 'wait';
        const ended = next(client, 'end');
        client.disconnect();
        await ended;
      });

      it('ends, and rejects its commands with the same error, when a connector rejects', async () => {
        const options = await cache.configure();
        const client = cache.client({ Redis }, { ...options, tls: { rejectUnauthorized: false } });
        const error: unknown = await client.get('key').catch((reason: unknown) => reason);
        expect(error).to.have.property('code', 'INSECURE_CONNECTION');
        expect(client.status).to.equal('end');
      });

      it('retries when a connector returns a destroyed socket, with its `firstError`', async () => {
        const options = await cache.configure({ retryStrategy: () => 60_000 });
        const Connector = class extends AbstractConnector {
          constructor() {
            super(0);
          }
          connect(): Promise<Socket> {
            this.firstError = new Error('the reason');
            return Promise.resolve(new Socket().destroy());
          }
        };
        const client = cache.client({ Redis }, { ...options, Connector });
        const reconnecting = new Promise((resolve) => client.once('reconnecting', resolve));
        const error = await next(client, 'error').catch((reason: unknown) => reason);
        expect(error).to.have.property('message', 'the reason');
        await reconnecting;
        expect(internals(client).reconnectTimeout).not.to.equal(null);
      });
    });
  }
});

/** What `lib/ioredis/client.ts` relies on, though Node.js does not document it. */
describe('the internals of Node.js', () => {
  const cache = Cache.forAll();

  it('count the bytes that wait to be sent, below TLS too', async () => {
    const client = cache.client({ Redis: Newest6 }, await cache.configure());
    await next(client, 'ready');
    const { stream } = internals(client);
    const handle = (stream as unknown as { _handle: { _parent: { writeQueueSize: unknown } } })._handle;
    expect(handle._parent.writeQueueSize).to.equal(0);
  });
});
