import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type * as Ioredis from 'ioredis';
import { Redis as PlainRedis, type Command } from 'ioredis';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { HIDDEN_PASSWORD } from '../../lib/ioredis/login.js';
import { Cache, connectionsOf } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next, times, until } from '../support/waiting.js';

/** ioredis' own methods, taken before an authenticator patches them, as a module of an application may. */
const UNPATCHED = new Map(VARIANTS.map(({ Redis }) => [Redis, sendCommandOf(Redis.prototype as object)]));

type SendCommand = (this: PlainRedis, command: Command, stream?: never) => unknown;

function sendCommandOf(client: object): SendCommand {
  return (client as { sendCommand: SendCommand }).sendCommand;
}

describe('a managed client', () => {
  const cache = Cache.forEach({ tokenLifetime: 3_000 });

  for (const variant of VARIANTS) {
    describe(`of ${variant.name}`, () => {
      it('is managed again after quit(), disconnect() and connect()', async () => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        await Promise.all([next(client, 'end'), client.quit()]);
        client.disconnect();
        await client.connect();
        await options.authenticator.refresh();
        await next(options.authenticator, 'reauthenticated');
        expect(options.authenticator.connections).to.have.length(1);
      });

      it('is managed again, and reconnects, after disconnect() while reconnecting, and connect()', async () => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential, retryStrategy: () => 1_000 });
        const client = await cache.connect(variant, options);
        const reconnecting = next(client, 'reconnecting');
        cache.azure.dropConnections();
        await reconnecting;
        client.disconnect();
        await client.connect();
        await options.authenticator.refresh();
        await next(options.authenticator, 'reauthenticated');
        const again = next(client, 'reconnecting');
        cache.azure.dropConnections();
        await again;
      });

      for (const event of ['close', 'end'] as const) {
        it(`stays managed when it connects again in its own '${event}' listener, and runs nothing twice`, async () => {
          const options = await cache.configure({ retryStrategy: () => null });
          const client = await cache.connect(variant, options);
          const ready = new Promise<void>((resolve) => {
            client.once(event, () => {
              void client.connect().then(resolve);
            });
          });
          await client.incr('count');
          const lost = client.blpop('empty', 0).catch((error: unknown) => error);
          cache.azure.dropConnections();
          await ready;
          expect(await lost).to.be.instanceOf(Error);
          expect(options.authenticator.connections).to.have.length(1);
          await options.authenticator.refresh();
          await next(options.authenticator, 'reauthenticated');
          expect(await client.get('count')).to.equal('1');
        });
      }

      it('keeps the wrappers of the application across reconnects, and sends its commands through them', async () => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential, retryStrategy: () => 0 });
        const client = await cache.connect(variant, options);
        const seen: string[] = [];
        const sendCommand = sendCommandOf(client);
        const wrapper = (command: Command, stream?: never): unknown => {
          seen.push(command.name);
          return sendCommand.call(client, command, stream);
        };
        client.sendCommand = wrapper;
        const ready = next(client, 'ready');
        cache.azure.dropConnections();
        await ready;
        expect(sendCommandOf(client)).to.equal(wrapper);
        await client.echo('text');
        expect(seen).to.include('echo');
        await times(2, options.authenticator, 'reauthenticated');
        expect(connectionsOf(cache.azure, credential)).to.equal(2);
      });

      it('hides the token from a wrapper that is installed later, and from the error of a login', async () => {
        const options = await cache.configure({ retryStrategy: () => 10 });
        const client = cache.client(variant, { ...options, protocol: variant.protocol, lazyConnect: true });
        const seen: unknown[] = [];
        const prototype = variant.Redis.prototype as unknown as { sendCommand: SendCommand };
        const { sendCommand } = prototype;
        prototype.sendCommand = function (command, stream) {
          if (this === client) seen.push(...command.args);
          return sendCommand.call(this, command, stream);
        };
        const secrets = new Set<string>();
        try {
          secrets.add(String(options.password));
          await client.connect();
          await options.authenticator.refresh();
          secrets.add(String(options.password));
          await next(options.authenticator, 'reauthenticated');
          const refused = next(client, 'error').catch((error: unknown) => error);
          cache.azure.refuseLogins();
          cache.azure.dropConnections();
          const { command } = (await refused) as { command: { args: unknown[] } };
          seen.push(...command.args);
        } finally {
          prototype.sendCommand = sendCommand;
        }
        expect(seen).to.include(HIDDEN_PASSWORD);
        expect(seen.filter((arg) => secrets.has(String(arg)))).to.deep.equal([]);
      });

      it('sends one AUTH for each token, never inside a transaction, even if a wrapper bypasses the hooks', async () => {
        const sendUnpatched = UNPATCHED.get(variant.Redis);
        const options = await cache.configure();
        const client = cache.client(variant, { ...options, protocol: variant.protocol, lazyConnect: true });
        client.sendCommand = (command: Command, stream?: never) =>
          sendUnpatched?.call(client, command, stream);
        await client.connect();
        const before = cache.azure.statistics.logins.length;
        await client.multi({ pipeline: false });
        await client.incr('count');
        await options.authenticator.refresh();
        // Until well after the AUTH would have been sent.
        await new Promise((resolve) => setTimeout(resolve, 800));
        await client.incr('count');
        expect(await client.call('EXEC')).to.deep.equal([1, 2]);
        await until(() => cache.azure.statistics.logins.length > before);
        await times(2, options.authenticator, 'reauthenticated');
        const { logins, tokenRequests } = cache.azure.statistics;
        // ioredis has logged in before it was known that the hooks are bypassed: with which token is not.
        expect(logins.length).to.be.at.most(tokenRequests.length + 1);
      });

      it('counts as one client when a Proxy of it is attached', async () => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        options.authenticator.attach(new Proxy(client, {}));
        expect(options.authenticator.connections).to.have.length(1);
      });

      it('keeps its own properties and methods unchanged, and loses all hooks once it is released', async () => {
        const plain = new variant.Redis({ lazyConnect: true });
        const options = await cache.configure();
        const client = cache.client(variant, { ...options, protocol: variant.protocol, lazyConnect: true });
        const before = Reflect.ownKeys(client);
        await client.connect();
        for (const method of ['sendCommand', 'handleReconnection', 'setStatus', 'disconnect', 'connect']) {
          expect(Object.hasOwn(client, method), method).to.equal(false);
        }
        options.authenticator.close();
        const added = Reflect.ownKeys(client).filter((key) => !before.includes(key));
        plain.disconnect();
        expect(added.filter((key) => typeof key === 'symbol')).to.deep.equal([]);
      });

      it('is managed with a Connector of the application', async () => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential });
        const client = await cache.connect(variant, {
          ...options,
          Connector: class extends (options.Connector as new (given: unknown) => object) {} as never,
        });
        await times(2, options.authenticator, 'reauthenticated');
        expect(client.status).to.equal('ready');
        expect(connectionsOf(cache.azure, credential)).to.equal(1);
      });
    });
  }
});

describe('an unmanaged client', () => {
  it('is left unchanged', async () => {
    const client = new PlainRedis({ lazyConnect: true });
    expect(Object.getOwnPropertySymbols(client).map(String).join()).not.to.contain('ioredis-azure');
    const ended = next(client, 'end');
    client.disconnect();
    await ended;
  });
});

describe('the first client of another copy of ioredis', () => {
  const cache = Cache.forEach({ tokenLifetime: 3_000 });
  const require = createRequire(import.meta.url);
  let folder: string;

  beforeEach(async () => {
    // Beside the dependencies of ioredis.
    const parent = join(dirname(require.resolve('ioredis/package.json')), '..', '.cache');
    await mkdir(parent, { recursive: true });
    folder = await mkdtemp(join(parent, 'ioredis-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const name of ['ioredis', 'ioredis5', 'ioredis-5.4.0']) {
    it(`is managed, though it has a connector of its own: ${name}`, async () => {
      await cp(dirname(require.resolve(`${name}/package.json`)), folder, { recursive: true });
      const copy = require(join(folder, 'built', 'index.js')) as typeof Ioredis;
      class OwnConnector extends copy.AbstractConnector {
        constructor() {
          super(0);
        }
        connect(): Promise<TLSSocket> {
          const { ca, host, port } = cache.azure;
          this.connecting = true;
          const socket = connect({ ca, host, port });
          this.stream = socket;
          return Promise.resolve(socket);
        }
      }
      const credential = cache.azure.credential();
      const options = await cache.configure({ credential });
      const client = cache.client(copy, { ...options, Connector: OwnConnector });
      await times(2, options.authenticator, 'reauthenticated');
      expect(client.status).to.equal('ready');
      expect(connectionsOf(cache.azure, credential)).to.equal(1);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    });
  }

  it('is reported if it cannot be found, since its copy is bundled into another file, until it is attached', async () => {
    await cp(dirname(require.resolve('ioredis/package.json')), folder, { recursive: true });
    // The path of a copy tells that it is one.
    await rename(join(folder, 'built'), join(folder, 'bundled'));
    const copy = require(join(folder, 'bundled', 'index.js')) as typeof Ioredis;
    const options = await cache.configure();
    const { authenticator } = options;
    const unmanaged = next<AuthenticatorEvents['unmanagedLogin'][0]>(authenticator, 'unmanagedLogin');
    const client = cache.client(copy, options);
    await next(client, 'ready');
    expect(await unmanaged).to.deep.equal({ username: authenticator.username });
    expect(authenticator.connections).to.deep.equal([]);
    authenticator.attach(client);
    expect(authenticator.connections).to.have.length(1);
    await next(authenticator, 'reauthenticated');
    const later = cache.client(copy, options);
    await next(later, 'ready');
    expect(authenticator.connections).to.have.length(2);
  });
});
