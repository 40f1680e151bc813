import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { AbstractConnector, type Redis } from 'ioredis';
import type { ConfiguredRedisOptions, Stall } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { next } from '../support/waiting.js';

describe('a client that is ended right after its creation', () => {
  const cache = Cache.forAll();
  let options: ConfiguredRedisOptions;

  before(async () => {
    options = await cache.configure();
  });

  function create(variant: Variant, enableReadyCheck: boolean): Redis {
    const { protocol } = variant;
    // The client must not end only because it gives up waiting for the socket to close.
    return cache.client(variant, { ...options, protocol, enableReadyCheck, disconnectTimeout: 60_000 });
  }

  async function endsAndRejects(client: Redis): Promise<void> {
    if (client.status !== 'end') await once(client, 'end');
    const error: unknown = await client.get('key').catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'Connection is closed.');
  }

  for (const variant of VARIANTS) {
    for (const enableReadyCheck of [true, false]) {
      it(`ends: ${variant.name}, enableReadyCheck: ${enableReadyCheck}`, async function () {
        this.timeout(5_000);
        for (const microtasks of [0, 1, 2, 5, 20, 100]) {
          const client = create(variant, enableReadyCheck);
          for (let turn = 0; turn < microtasks; turn += 1) await Promise.resolve();
          client.disconnect();
          await endsAndRejects(client);
        }
      });
    }

    it(`ends as Bull closes a queue, by quit() and then disconnect(): ${variant.name}`, async function () {
      this.timeout(5_000);
      const client = create(variant, false);
      await Promise.resolve();
      const quit = client.quit().catch((error: unknown) => error);
      client.disconnect();
      await quit;
      await endsAndRejects(client);
    });
  }
});

describe('a client with a Connector of the application that returns sockets which are open', () => {
  const cache = Cache.forAll();
  const [variant] = VARIANTS;

  it('replaces a connection that has gone silent', async () => {
    const network = await Network.to(cache.azure.port);
    const { ca, host } = cache.azure;
    class OwnConnector extends AbstractConnector {
      constructor() {
        super(0);
      }
      override async connect(): Promise<TLSSocket> {
        this.connecting = true;
        const socket = connect({ ca, host, port: network.port });
        this.stream = socket;
        await once(socket, 'secureConnect');
        return socket;
      }
    }
    try {
      const options = await cache.configure({
        ...{ port: network.port, heartbeatInterval: 200, heartbeatTimeout: 500 },
        Connector: OwnConnector,
      });
      const client = await cache.connect(variant, options);
      const stalled = next<Stall>(options.authenticator, 'stalled');
      network.loseServerSides();
      expect(await client.set('key', 'value')).to.equal('OK');
      expect(await stalled).to.include({ awaited: 'SET' });
    } finally {
      await network.close();
    }
  });
});
