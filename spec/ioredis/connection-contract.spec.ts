import { expect } from 'chai';
import sinon from 'sinon';
import { internals, type Client, type Command as PendingCommand } from '../../lib/ioredis/client.js';
import { isConnectionClosed } from '../../lib/ioredis/queues.js';
import { Cache } from '../support/cache.js';
import { VERSIONS } from '../support/ioredis-versions.js';
import { happens, next } from '../support/waiting.js';

/** What `lib/ioredis/` relies on when it opens, logs in and replaces connections, though ioredis does not document it. */
describe('a connection of ioredis', () => {
  const cache = Cache.forAll();
  afterEach(() => {
    cache.endClients();
  });

  for (const { name, Redis, Cluster, Command } of VERSIONS) {
    describe(`in ${name}`, () => {
      it('reads the password of the handshake from `condition.auth` after it has set the status `connect`', async () => {
        const { tls, host, port, username = '', password } = await cache.configure();
        // The wrong one, in a client that is not managed.
        const client = new Redis({ ...(tls && { tls }), host, port, username, password: 'wrong' });
        const setStatus = internals(client).setStatus.bind(client);
        internals(client).setStatus = (status, argument) => {
          setStatus(status, argument);
          const { condition } = internals(client);
          if (status === 'connect' && condition) condition.auth = [username, String(password)];
        };
        try {
          expect(await client.ping()).to.equal('PONG');
        } finally {
          client.disconnect();
        }
      });

      it('writes a login to `stream` as one string, and puts it on its queue in the same turn', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const inner = internals(client);
        const written: unknown[] = [];
        const { stream } = inner;
        const write = stream?.write.bind(stream);
        Object.assign(stream ?? {}, {
          write: (chunk: string) => {
            written.push(chunk);
            return write?.(chunk);
          },
        });
        const reply = client.auth('default', 'wrong').catch(() => undefined);
        expect(inner.commandQueue.peekAt(0)?.command).to.have.property('name', 'auth');
        expect(written).to.deep.equal(['*3\r\n$4\r\nauth\r\n$7\r\ndefault\r\n$5\r\nwrong\r\n']);
        await reply;
      });

      it('writes a pipeline in the turn in which it is executed, with `enableAutoPipelining` too', async () => {
        const client = cache.client({ Redis }, await cache.configure({ enableAutoPipelining: true }));
        await next(client, 'ready');
        const reply = internals(client).pipeline().ping().exec();
        expect(internals(client).commandQueue.length).to.equal(1);
        expect(await reply).to.deep.equal([[null, 'PONG']]);
      });

      it('has taken a reply from its queue when a later listener of its stream is told of the data', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const { stream, commandQueue } = internals(client);
        const reply = client.ping();
        expect(commandQueue.length).to.equal(1);
        const left = await new Promise((resolve) => {
          stream?.once('data', () => {
            resolve(commandQueue.length);
          });
        });
        expect(left).to.equal(0);
        await reply;
      });

      it('counts a lost connection before it calls `retryStrategy`, with the options that it has while it closes', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const inner = internals(client);
        const { options, stream } = inner;
        const seen: string[] = [];
        stream?.prependOnceListener('close', () => {
          seen.push('before');
          inner.options = Object.create(options, {
            retryStrategy: {
              value: (times: number) => {
                seen.push(`${times} of ${inner.retryAttempts}`);
                return 0;
              },
            },
          }) as typeof options;
        });
        stream?.once('close', () => {
          seen.push('after');
          inner.options = options;
        });
        const ready = happens(client, 'ready');
        stream?.destroy();
        await ready;
        expect(seen).to.deep.equal(['before', '1 of 1', 'after']);
      });

      it('sends what is pushed on `offlineQueue`, to the database that is stated there', async () => {
        const client = cache.client({ Redis }, await cache.configure({ retryStrategy: () => 0 }));
        await next(client, 'ready');
        const inner = internals(client);
        const command = new Command('client', ['INFO'], {
          replyEncoding: 'utf8',
        }) as unknown as PendingCommand;
        inner.offlineQueue.push({ command, select: 0 });
        expect(inner.condition).to.have.property('select', 0);
        inner.stream?.destroy();
        expect(await command.promise)
          .to.be.a('string')
          .that.matches(/ db=0 /);
      });

      it('rejects what awaits its reply when a client ends with this text, by its `reject`', async () => {
        const client = cache.client({ Redis }, await cache.configure());
        await next(client, 'ready');
        const command = new Command('blpop', ['empty', '0']) as unknown as PendingCommand;
        const { reject } = command;
        let reason: unknown;
        command.reject = (error) => {
          reason = error;
          reject.call(command, error);
        };
        internals(client).sendCommand(command);
        const reply = command.promise.catch((error: unknown) => error);
        client.disconnect();
        expect(isConnectionClosed((await reply) as Error)).to.equal(true);
        expect(reason).to.equal(await reply);
      });

      it('creates its Connector with its own options, and calls `check()` with INFO before it is ready', async () => {
        const { Connector = Object, ...options } = await cache.configure();
        const seen: unknown[] = [];
        const client = cache.client(
          { Redis },
          {
            ...options,
            Connector: class extends (Connector as new (given: object) => object) {
              constructor(given: object) {
                super(given);
                seen.push(given);
              }
              check(info: object): boolean {
                seen.push(client.status, Object.keys(info).includes('redis_version'));
                return true;
              }
            } as never,
          },
        );
        await next(client, 'ready');
        expect(seen).to.deep.equal([client.options, 'connect', true]);
      });

      it('emits an error by `silentEmit`, on a cluster too, and prints it if nobody listens', () => {
        const print = sinon.stub(console, 'error');
        for (const emitter of [new Redis({ lazyConnect: true }), new Cluster([], { lazyConnect: true })]) {
          const emit = (error: Error): unknown =>
            internals(Redis.prototype as unknown as Client).silentEmit.call(emitter, 'error', error);
          emit(new Error('not listened to'));
          const listener = sinon.stub();
          emitter.on('error', listener);
          emit(new Error('listened to'));
          expect(listener.callCount).to.equal(1);
        }
        expect(print.callCount).to.equal(2);
        print.restore();
      });

      it('connects with a `connector` that is replaced before', async () => {
        const options = await cache.configure();
        const client = cache.client({ Redis }, { ...options, lazyConnect: true });
        const Connector = internals(client).connector.constructor as new (given: object) => object;
        const connector = new Connector(client.options) as { connect(): Promise<unknown> };
        const connect = connector.connect.bind(connector);
        let opened: unknown;
        connector.connect = async () => (opened = await connect());
        internals(client).connector = connector;
        await client.connect();
        expect(opened).to.equal(internals(client).stream);
      });

      it('is in mode `subscriber` while it is subscribed over RESP2, and in mode `monitor` by its option', async () => {
        const options = await cache.configure();
        const client = cache.client({ Redis }, { ...options, protocol: 2 });
        await client.subscribe('news');
        expect(client.mode).to.equal('subscriber');
        await client.unsubscribe('news');
        expect(client.mode).to.equal('normal');
        expect(cache.client({ Redis }, { ...options, monitor: true, lazyConnect: true }).mode).to.equal(
          'monitor',
        );
      });

      it('takes what arrives in status `monitoring` for traffic', async () => {
        const client = cache.client({ Redis }, { ...(await cache.configure()), monitor: true });
        await next(client, 'monitoring');
        const [, args] = await new Promise<unknown[]>((resolve) => {
          client.once('monitor', (...values: unknown[]) => {
            resolve(values);
          });
          void cache.azure.server.call('ECHO', 'traffic');
        });
        expect(args).to.deep.equal(['ECHO', 'traffic']);
      });
    });
  }
});
