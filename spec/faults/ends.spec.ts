import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { stub } from 'sinon';
import { Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';
import { ProgrammableCredential } from '../support/programmable-credential.js';
import { happens, next, past, times, until } from '../support/waiting.js';

/** A credential that answers no more until it is told to. */
function holdBack(credential: ProgrammableCredential): () => void {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  credential.answerWith(async (issue) => {
    await released;
    return issue();
  });
  return release;
}

/** Brings a new client into a state, in which it is left. */
type Reach = (client: Redis) => unknown;

const STATES: readonly (readonly [state: string, reach: Reach])[] = [
  ['has not begun to connect', () => undefined],
  ['is connecting', (client) => void client.connect().catch(() => undefined)],
  [
    'has a socket',
    async (client) => {
      client.connect().catch(() => undefined);
      await happens(client, 'connect');
    },
  ],
  ['is ready', (client) => client.connect()],
  ['is subscribed', (client) => client.subscribe('news')],
  ['has a transaction open', (client) => client.multi({ pipeline: false })],
  [
    'waits in a blocking command',
    async (client) => {
      await client.connect();
      client.blpop('no such list', 0).catch(() => undefined);
    },
  ],
  [
    'waits to connect again',
    async (client) => {
      client.options.retryStrategy = () => 60_000;
      await client.connect();
      client.stream.destroy();
      await happens(client, 'reconnecting');
    },
  ],
];

/** How a client ends. */
const ENDS: readonly (readonly [how: string, end: (client: Redis) => void])[] = [
  [
    'disconnect()',
    (client) => {
      client.disconnect();
    },
  ],
  [
    'quit()',
    (client) => {
      // It may wait for what does not come.
      client.quit().catch(() => undefined);
      setTimeout(() => {
        client.disconnect();
      }, 50);
    },
  ],
];

describe('a client that ends', () => {
  const cache = Cache.forEach();

  it('in any state during a refresh leaves nothing behind, and others continue', async () => {
    const credential = new ProgrammableCredential(cache.azure.credential());
    const options = await cache.configure({ credential });
    const { authenticator } = options;
    const survivor = await cache.connect(oneOf(VARIANTS), options);
    const release = holdBack(credential);
    const refreshed = authenticator.refresh();
    await Promise.all(
      VARIANTS.flatMap((variant) =>
        STATES.flatMap(([, reach]) =>
          ENDS.map(async ([, end]) => {
            const client = cache.client(variant, {
              ...options,
              protocol: variant.protocol,
              lazyConnect: true,
            });
            await reach(client);
            end(client);
          }),
        ),
      ),
    );
    await until(() => authenticator.connections.length === 1);
    const reauthenticated = next(authenticator, 'tokenRefreshed');
    release();
    await refreshed;
    await reauthenticated;
    await until(() => cache.azure.statistics.open.length === 1);
    expect(authenticator.connections).to.have.length(1);
    expect(await survivor.ping()).to.equal('PONG');
    expect(credential.mostAtOnce).to.equal(1);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('since its connection closes during the handshake is not managed again without a ready check', async () => {
    const options = await cache.configure({ enableReadyCheck: false, retryStrategy: () => null });
    await Promise.all(
      VARIANTS.map(async (variant) => {
        // The first one reads the version of ioredis from a file.
        await (await cache.connect(variant, options)).quit();
        const client = cache.client(variant, { ...options, lazyConnect: true });
        client.connect().catch(() => undefined);
        await happens(client, 'connect');
        client.stream.destroy();
        await happens(client, 'end');
      }),
    );
    // ioredis 5 calls its client ready as soon as the commands of the handshake are rejected.
    await nextTurn();
    expect(options.authenticator.connections).to.deep.equal([]);
  });

  it('while it waits for a token is not connected by that token', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 2_000 });
    const options = await cache.configure({ credential });
    // The first attempt after the connection was closed fails for want of a token.
    const settings = {
      connectTimeout: 1_000,
      retryStrategy: (attempt: number) => (attempt === 1 ? 0 : 60_000),
    };
    const clients = await Promise.all(
      VARIANTS.map((variant) => cache.connect(variant, { ...options, ...settings })),
    );
    const waiting = Promise.all(clients.map((client) => times(2, client, 'reconnecting')));
    cache.azure.identityDown();
    await waiting;
    for (const client of clients) client.disconnect();
    cache.azure.identityRestored();
    const other = await cache.connect(oneOf(VARIANTS), options);
    expect(await other.ping()).to.equal('PONG');
    expect(options.authenticator.connections).to.have.length(1);
    expect(cache.azure.statistics.open).to.have.length(1);
  });

  it('after a token arrived before its next attempt to connect does not make that attempt', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 2_000 });
    const options = await cache.configure({ credential });
    const delay = 3_000;
    const settings = {
      connectTimeout: 1_000,
      retryStrategy: (attempt: number) => (attempt === 1 ? 0 : delay),
    };
    const clients = await Promise.all(
      VARIANTS.map((variant) => cache.connect(variant, { ...options, ...settings })),
    );
    const waiting = Promise.all(clients.map((client) => times(2, client, 'reconnecting')));
    const connected = Promise.all(clients.map((client) => happens(client, 'ready')));
    cache.azure.identityDown();
    await waiting;
    cache.azure.identityRestored();
    await connected;
    await Promise.all(clients.map((client) => client.quit()));
    // Timers of the same delay fire in the order in which they began: this is the last.
    await sleep(delay);
    expect(clients.map(({ status }) => status)).to.deep.equal(clients.map(() => 'end'));
    expect(cache.azure.statistics.open).to.deep.equal([]);
  });
});

describe('an authenticator that is closed', () => {
  const cache = Cache.forEach();

  for (const [state, reach] of STATES) {
    it(`while a client ${state} releases it, and requests no more tokens`, async () => {
      await Promise.all(VARIANTS.map((variant) => closeWhile(variant, reach)));
      expect(cache.azure.statistics.tokenRequests).to.have.length(VARIANTS.length);
      expect(cache.azure.statistics.refusals).to.deep.equal([]);
    });
  }

  async function closeWhile(variant: Variant, reach: Reach): Promise<void> {
    const options = await cache.configure();
    const client = cache.client(variant, { ...options, protocol: variant.protocol, lazyConnect: true });
    await reach(client);
    options.authenticator.close();
    expect(options.authenticator.connections).to.deep.equal([]);
    options.authenticator.close();
    client.disconnect();
  }

  it('during a refresh reports the outcome, and stops', async () => {
    const credential = new ProgrammableCredential(cache.azure.credential());
    const options = await cache.configure({ credential });
    const client = await cache.connect(oneOf(VARIANTS), options);
    const release = holdBack(credential);
    const refreshed = options.authenticator.refresh();
    options.authenticator.close();
    release();
    await refreshed;
    expect(await client.ping()).to.equal('PONG');
    expect(cache.azure.statistics.logins).to.have.length(1);
  });

  it('while a client is re-authenticated does not log it in again', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 6_000 });
    const options = await cache.configure({ credential });
    const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
    const before = cache.azure.statistics.logins.length;
    // The client does not know of it yet.
    await next(cache.azure, 'login');
    options.authenticator.close();
    for (let count = 0; count < 50; count += 1) await Promise.all(clients.map((client) => client.ping()));
    expect(cache.azure.statistics.logins.length - before).to.be.within(1, clients.length);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('while a new token waits for the end of a transaction does not send it', async () => {
    // Everything is re-authenticated at once.
    const random = stub(Math, 'random').returns(0);
    try {
      const options = await cache.configure();
      await cache.connect(oneOf(VARIANTS), options);
      const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
      await Promise.all(clients.map((client) => client.multi({ pipeline: false })));
      const reauthenticated = next(options.authenticator, 'reauthenticated');
      await options.authenticator.refresh();
      await reauthenticated;
      const before = cache.azure.statistics.logins.length;
      options.authenticator.close();
      expect(before).to.equal(VARIANTS.length + 2);
      expect(await Promise.all(clients.map((client) => client.exec()))).to.deep.equal([[], [], []]);
      for (let count = 0; count < 10; count += 1) await Promise.all(clients.map((client) => client.ping()));
      expect(cache.azure.statistics.logins).to.have.length(before);
    } finally {
      random.restore();
    }
  });

  it('while a connection waits for a token rejects it with the reason, and requests no more tokens', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 1_000 });
    const options = await cache.configure({ credential });
    await past(options.authenticator.expiresOn);
    cache.azure.identityDown();
    const clients = VARIANTS.map((variant) => cache.client(variant, options));
    const failed = clients.map((client) => next(client, 'error').catch((error: unknown) => error));
    await next(options.authenticator, 'tokenRefreshFailed');
    options.authenticator.close();
    for (const error of failed) expect(await error).to.have.property('code', 'CLOSED');
    expect(cache.azure.statistics.tokenRequests).to.have.length(2);
  });
});

function oneOf(variants: readonly Variant[]): Variant {
  const [variant] = variants;
  if (!variant) throw new Error('no variant');
  return variant;
}
