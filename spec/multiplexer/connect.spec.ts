import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { inspect } from 'node:util';
import { configureForAzure, Multiplexer } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { until } from '../support/waiting.js';
import { Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

for (const protocol of PROTOCOLS) {
  describe(`Multiplexer.connect() with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach();

    it('resolves when all connections are ready', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      expect(multiplexer.status).to.equal('ready');
      expect(multiplexer.connections.map(({ status }) => status)).to.deep.equal(['ready', 'ready']);
      for (const { endpoint } of multiplexer.connections) {
        expect(endpoint).to.equal(`localhost:${multiplexers.azure.port}`);
      }
      await multiplexer.interactive.set('key', 'value');
      expect(await multiplexer.interactive.get('key')).to.equal('value');
    });

    it('accepts the options of configureForAzure(), with their authenticator', async () => {
      const options = await configureForAzure({ ...multiplexers.azure.options, protocol });
      await using first = await Multiplexer.connect(options);
      await using second = await Multiplexer.connect({ ...options, db: 1 });
      expect(first.authenticator).to.equal(options.authenticator);
      expect(second.authenticator).to.equal(options.authenticator);
      expect(multiplexers.azure.statistics.tokensIssued.length).to.equal(1);
      await second.interactive.set('key', 'in db 1');
      expect(await first.interactive.get('key')).to.be.null;

      const third = await multiplexers.connect({ protocol, authenticator: options.authenticator });
      const { calls, listener } = recorder();
      await third.subscribe('news', listener);
      await first.publish('news', 'hello');
      await until(() => calls.length === 1);
    });

    it('provides a client whose duplicates are ordinary managed clients', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      const duplicate = multiplexer.interactive.duplicate();
      try {
        const messages: string[] = [];
        duplicate.on('message', (_channel, message: string) => messages.push(message));
        await duplicate.subscribe('news');
        multiplexers.azure.dropConnections();
        await until(async () => {
          await multiplexers.azure.server.call('PUBLISH', 'news', 'hello');
          return messages.length > 0;
        });
        await until(
          () => multiplexer.authenticator.connections.length === multiplexer.connections.length + 1,
        );
      } finally {
        duplicate.disconnect();
      }
    });

    it('rejects at once if the cache rejects the identity, and leaves nothing behind', async () => {
      const credential = multiplexers.azure.credential({ role: 'none' });
      const { host, port, tls } = multiplexers.azure.options;
      const error = await rejection(Multiplexer.connect({ host, port, tls, credential, protocol }));
      expect(error.code).to.equal('WRONGPASS');
      expect(error.hint).to.contain('access policy');
      await until(() => multiplexers.azure.statistics.open.length === 0);
      expect(multiplexers.azure.statistics.connections.length).to.equal(1);
    });

    it('rejects after three failed attempts to connect', async () => {
      const { host, tls, credential } = multiplexers.azure.options;
      let attempts = 0;
      const countingLookup: LookupFunction = (name, options, callback) => {
        attempts += 1;
        lookup(name, options, callback);
      };
      const connecting = Multiplexer.connect({
        host,
        // No server listens there.
        port: 1,
        // An option of the socket, which ioredis' types do not list.
        tls: { ...tls, ...{ lookup: countingLookup } },
        credential,
        protocol,
        retryStrategy: () => 1,
      });
      const error = await rejection(connecting);
      expect(error.code).to.equal('CONNECTION_FAILED');
      expect(error.message).to.contain('ECONNREFUSED');
      expect(error.hint).to.contain('firewall');
      expect(attempts).to.equal(3);
    });

    it('rejects invalid options', async () => {
      const error = await rejection(Multiplexer.connect({ host: 'localhost', protocol }));
      expect(error.code).to.equal('MISSING_PORT');
    });

    it('shows no token in its inspection', async () => {
      const { authenticator, ...multiplexer } = await multiplexers.connect({ protocol });
      expect(authenticator.username).not.to.be.empty;
      const [connected] = [await multiplexers.connect({ protocol })];
      const shown = inspect(connected, { depth: 10, showHidden: true }) + JSON.stringify(connected);
      expect(shown).to.contain("status: 'ready'").and.contain('"status":"ready"');
      expect(shown + inspect(multiplexer, { depth: 10 })).not.to.contain('eyJ');
    });
  });
}

describe('Multiplexer.connect() without a subscriber', () => {
  const multiplexers = Multiplexers.forEach();

  it('rejects if the subscriber cannot connect, and closes the interactive connection', async () => {
    const { azure } = multiplexers;
    azure.once('login', () => {
      azure.refuseLogins();
    });
    const error = await rejection(multiplexers.connect({ protocol: 2 }));
    expect(error.code).to.equal('WRONGPASS');
    expect(azure.statistics.connections.length).to.equal(2);
    await until(() => azure.statistics.open.length === 0);
  });
});

describe('Multiplexer.connect()', () => {
  for (const [what, options, message] of [
    ['no options', undefined, /`options` must be an object, got undefined/],
    [
      'a text as cluster',
      { cluster: 'yes' },
      /`cluster` must be true, false or an object of cluster options, got a string/,
    ],
    [
      'null as cluster',
      { cluster: null },
      /`cluster` must be true, false or an object of cluster options, got null/,
    ],
    ['a text as maintenanceEvents', { maintenanceEvents: 'yes' }, /`maintenanceEvents` .*got 'yes'/],
  ] as const) {
    it(`rejects ${what}`, async () => {
      const given = options && { host: 'localhost', port: 6379, ...options };
      // JavaScript callers have no types.
      const error = await rejection(Multiplexer.connect(given as never));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.match(message);
    });
  }
});
