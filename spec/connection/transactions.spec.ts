import { expect } from 'chai';
import { Command, type Redis } from 'ioredis';
import { Command as Command5 } from 'ioredis5';
import sinon from 'sinon';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { happens, next } from '../support/waiting.js';

describe('a refresh during an open transaction', () => {
  const cache = Cache.forEach();

  // Every AUTH is sent as soon as there is a new token.
  beforeEach(() => {
    sinon.stub(Math, 'random').returns(0);
  });
  afterEach(() => {
    sinon.restore();
  });

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      const CommandOfVariant = variant.name === 'ioredis 5' ? Command5 : Command;
      const openings: readonly (readonly [how: string, open: (client: Redis) => Promise<unknown>])[] = [
        ['multi({ pipeline: false })', (client) => client.multi({ pipeline: false })],
        ["call('MULTI')", (client) => client.call('MULTI')],
        [
          'a hand-made Command',
          async (client) => {
            const command = new CommandOfVariant('Multi');
            client.sendCommand(command as Command);
            await command.promise;
          },
        ],
      ];
      const endings: readonly (readonly [how: string, end: (client: Redis) => Promise<unknown>])[] = [
        ['EXEC', (client) => client.exec()],
        ['DISCARD', (client) => client.discard()],
      ];

      for (const [opening, open] of openings) {
        it(`waits for the EXEC of one opened by ${opening}, and shifts no result`, async () => {
          const options = await cache.configure();
          const { authenticator } = options;
          const client = await cache.connect(variant, options);
          const other = await cache.connect(variant, options);
          await open(client);
          await client.set('key', 'value');
          await client.incr('counter');
          // The other one, which is free, has been re-authenticated; this one would have been before it.
          const refreshed = authenticator.refresh();
          const event = await next<AuthenticatorEvents['reauthenticated'][0]>(
            authenticator,
            'reauthenticated',
          );
          await refreshed;
          await other.ping();
          expect(cache.azure.statistics.logins).to.have.length(3);

          const reauthenticated = next(authenticator, 'reauthenticated');
          const results = await client.call('EXEC');
          expect(results).to.deep.equal(['OK', 1]);
          await reauthenticated;
          expect(authenticator.connections.map(({ expiresOn }) => expiresOn)).to.deep.equal([
            event.expiresOn,
            event.expiresOn,
          ]);
        });
      }

      for (const [ending, end] of endings) {
        it(`continues after ${ending}`, async () => {
          const options = await cache.configure();
          const client = await cache.connect(variant, options);
          await client.multi({ pipeline: false });
          await client.get('key');
          await options.authenticator.refresh();
          const reauthenticated = next(options.authenticator, 'reauthenticated');
          await end(client);
          await reauthenticated;
          expect(await client.get('key')).to.equal(null);
        });
      }

      it('ends with the connection, and the next one logs in', async () => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        await client.multi({ pipeline: false });
        await options.authenticator.refresh();
        const ready = happens(client, 'ready');
        cache.azure.dropConnections();
        await ready;
        const reauthenticated = next(options.authenticator, 'reauthenticated');
        await options.authenticator.refresh();
        await reauthenticated;
        expect(cache.azure.statistics.refusals).to.deep.equal([]);
      });

      it('never splits a multi() pipeline, however many are pending', async () => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        let isDone = false;
        const work = Promise.all(
          Array.from({ length: 8 }, async (_, index) => {
            let runs = 0;
            while (!isDone) {
              const results = await client.multi().set(`key ${index}`, runs).get(`key ${index}`).exec();
              expect(results).to.deep.equal([
                [null, 'OK'],
                [null, String(runs)],
              ]);
              runs += 1;
            }
          }),
        );
        for (let refresh = 0; refresh < 20; refresh += 1) {
          const reauthenticated = next(options.authenticator, 'reauthenticated');
          await options.authenticator.refresh();
          await reauthenticated;
        }
        isDone = true;
        await work;
        expect(cache.azure.statistics.evictions).to.deep.equal([]);
      });
    });
  }
});
