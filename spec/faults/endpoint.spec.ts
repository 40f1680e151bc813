import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type {
  AuthenticatorEvents,
  ConfigureForAzureOptions,
  ConfiguredRedisOptions,
} from '../../lib/index.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { allRenewed, happens, next, nextWhere, past, times, until } from '../support/waiting.js';

/** A cache behind a network that can fail. */
function describeBehindNetwork(
  title: string,
  tokenLifetime: number,
  specs: (cache: Cache, behind: BehindNetwork) => void,
): void {
  describe(title, () => {
    const cache = Cache.forEach({ tokenLifetime });
    const behind = new BehindNetwork(cache);
    beforeEach(() => behind.start());
    afterEach(() => behind.stop());
    specs(cache, behind);
  });
}

class BehindNetwork {
  readonly #cache: Cache;
  #network: Network | undefined;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  get network(): Network {
    if (!this.#network) throw new Error('there is no network yet');
    return this.#network;
  }

  async start(): Promise<void> {
    this.#network = await Network.to(this.#cache.azure.port);
  }

  async stop(): Promise<void> {
    await this.#network?.close();
  }

  configure(more: Partial<ConfigureForAzureOptions> = {}): Promise<ConfiguredRedisOptions> {
    return this.#cache.configure({ port: this.network.port, connectTimeout: 2_000, ...more });
  }

  /** A client of every kind, all logged in with one token. */
  async everyKind(options: ConfiguredRedisOptions): Promise<Redis[]> {
    return Promise.all(VARIANTS.map((variant) => this.#cache.connect(variant, options)));
  }
}

/** Resolves when a client tells of an error of this code; that its connection was reset may come first. */
async function errorOf(client: Redis, code: string): Promise<void> {
  await nextWhere<NodeJS.ErrnoException>(client, 'error', (error) => error.code === code);
}

/** What the clients answer now, each its own counter. */
function count(clients: readonly Redis[]): Promise<number[]> {
  return Promise.all(clients.map((client, index) => client.incr(`counter ${index}`)));
}

describeBehindNetwork('an endpoint that cannot be reached', 3_000, (cache, behind) => {
  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('to a server that restarts runs the waiting commands, with a new token if the old one has expired', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const first = options.authenticator.expiresOn;
    behind.network.goDown();
    const waiting = count(clients);
    await past(first);
    await Promise.all(clients.map((client) => happens(client, 'close')));
    behind.network.restore();
    expect(await waiting).to.deep.equal([1, 1, 1]);
    expect(cache.azure.statistics.logins.at(-1)?.expiresOn).to.be.above(first);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });

  it('to a server with a wrong certificate never sends a token', async () => {
    await using impostor = await AzureRedisEmulator.start();
    const seen: string[] = [];
    impostor.on('login', () => seen.push('login'));
    impostor.on('refusal', () => seen.push('refusal'));
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const failures = clients.map((client) =>
      nextWhere<Error>(client, 'error', ({ message }) => message.includes('certificate')),
    );
    behind.network.leadTo(impostor.port);
    cache.azure.dropConnections();
    const waiting = count(clients);
    await Promise.all(failures);
    behind.network.leadTo(cache.azure.port);
    expect(await waiting).to.deep.equal([1, 1, 1]);
    expect(seen).to.deep.equal([]);
  });

  it('is opened once a name that could not be resolved is resolved', async () => {
    let isFound = true;
    const failingLookup: LookupFunction = (hostname, options, callback) => {
      if (isFound) lookup(hostname, options, callback);
      else callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), '');
    };
    const options = await behind.configure({
      tls: { ca: cache.azure.ca, servername: 'localhost', ...{ lookup: failingLookup } },
    });
    const clients = await behind.everyKind(options);
    isFound = false;
    const failed = clients.map((client) => errorOf(client, 'ENOTFOUND'));
    cache.azure.dropConnections();
    const waiting = count(clients);
    await Promise.all(failed);
    isFound = true;
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });
});

describeBehindNetwork('a connection that is open, but silent', 6_000, (cache, behind) => {
  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('is replaced before its token expires when packets are lost', async () => {
    const options = await behind.configure({ disconnectTimeout: 200 });
    const clients = await behind.everyKind(options);
    const first = options.authenticator.expiresOn;
    behind.network.goSilent();
    await Promise.all(clients.map((client) => happens(client, 'close')));
    expect(new Date()).to.be.below(first);
    const waiting = count(clients);
    behind.network.restore();
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('is replaced before its token expires when it is half-open; pending commands are sent again', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const reasons: string[] = [];
    options.authenticator.on('recycled', ({ reason }) => reasons.push(reason));
    behind.network.loseServerSides();
    const waiting = count(clients);
    await until(() => reasons.length === clients.length);
    expect(new Set(reasons)).to.deep.equal(new Set(['blocked']));
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('is replaced soon after its token has expired when its transaction cannot end', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    await Promise.all(clients.map((client) => client.multi({ pipeline: false })));
    behind.network.loseServerSides();
    const outcomes = await Promise.allSettled(clients.map((client) => client.call('EXEC')));
    for (const outcome of outcomes)
      expect(outcome)
        .to.have.property('reason')
        .with.property('message')
        .that.matches(/EXEC without MULTI/);
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
  });

  it('is replaced when its bytes are corrupted', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const closed = Promise.all(clients.map((client) => happens(client, 'close')));
    behind.network.corrupt();
    const waiting = count(clients);
    await closed;
    behind.network.restore();
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('fails commands after their own timeout', async () => {
    const options = await behind.configure({ commandTimeout: 1_000 });
    const clients = await behind.everyKind(options);
    behind.network.goSilent();
    const outcomes = await Promise.allSettled(clients.map((client) => client.get('key')));
    for (const outcome of outcomes) {
      expect(outcome).to.have.property('reason').with.property('message', 'Command timed out');
    }
    behind.network.restore();
    await until(async () => (await Promise.allSettled(clients.map((client) => client.ping()))).every(isDone));
  });
});

function isDone({ status }: PromiseSettledResult<unknown>): boolean {
  return status === 'fulfilled';
}

describeBehindNetwork('an AUTH', 12_000, (cache, behind) => {
  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });

  it('may be answered late', async () => {
    const options = await behind.configure({ expirationRefreshRatio: 0.1 });
    const clients = await behind.everyKind(options);
    behind.network.delayReplies(600);
    const reauthenticated = times(clients.length, options.authenticator, 'reauthenticated');
    const failures: unknown[] = [];
    options.authenticator.on('reauthenticationFailed', ({ error }) => failures.push(error));
    await reauthenticated;
    expect(failures).to.deep.equal([]);
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
    expect(cache.azure.statistics.connections).to.have.length(clients.length);
  });

  it('that takes longer than `commandTimeout` is sent again, and no reply is mismatched', async () => {
    const options = await behind.configure({ expirationRefreshRatio: 0.1, commandTimeout: 1_500 });
    const clients = await behind.everyKind(options);
    behind.network.delayReplies(2_500);
    const { error } = await next<AuthenticatorEvents['reauthenticationFailed'][0]>(
      options.authenticator,
      'reauthenticationFailed',
    );
    expect(error.message).to.equal('Command timed out');
    const reauthenticated = times(clients.length, options.authenticator, 'reauthenticated');
    behind.network.restore();
    await reauthenticated;
    const words = clients.map((_, index) => `my own, ${index}`);
    expect(await Promise.all(clients.map((client, index) => client.echo(words[index] ?? '')))).to.deep.equal(
      words,
    );
    expect(cache.azure.statistics.connections).to.have.length(clients.length);
  });

  it('whose connection closes before the reply is not a failure: the next connection logs in', async () => {
    const options = await behind.configure({ expirationRefreshRatio: 0.1 });
    const clients = await behind.everyKind(options);
    const failures: unknown[] = [];
    options.authenticator.on('reauthenticationFailed', ({ error }) => failures.push(error));
    const ready = Promise.all(clients.map((client) => happens(client, 'ready')));
    // The server has accepted the new token; the client does not get to know.
    const closed = new Promise<void>((resolve) => {
      cache.azure.once('login', () => {
        cache.azure.dropConnections();
        resolve();
      });
    });
    await closed;
    await ready;
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
    expect(failures).to.deep.equal([]);
  });
});

describe('an access policy that is removed and assigned again', () => {
  const cache = Cache.forEach();

  it('closes the connections, rejects logins with the reason, and lets the same clients log in again', async () => {
    const credential = cache.azure.credential();
    const options = await cache.configure({ credential, maxRetriesPerRequest: null });
    const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
    const refused = clients.map((client) => errorOf(client, 'WRONGPASS'));
    await cache.azure.removeAccess(credential.oid);
    await Promise.all(refused);
    const ready = Promise.all(clients.map((client) => happens(client, 'ready')));
    await cache.azure.assignRole(credential.oid, 'Data Owner');
    await ready;
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
  });

  it('closes no connection if logins are rejected only while the old token is valid', async () => {
    const credential = cache.azure.credential({ tokenLifetime: 6_000 });
    const options = await cache.configure({ credential });
    const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
    cache.azure.refuseLogins();
    const failed = new Set<Error>();
    options.authenticator.on('reauthenticationFailed', ({ error }) => failed.add(error));
    await until(() => failed.size >= clients.length);
    for (const error of failed) expect(error).to.have.property('code', 'WRONGPASS');
    cache.azure.acceptLogins();
    await allRenewed(options);
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
    expect(cache.azure.statistics.connections).to.have.length(clients.length);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });
});

describe('a transaction whose connection closes', () => {
  const cache = Cache.forEach({ tokenLifetime: 4_000 });

  it('fails or is run as a whole, with its own results', async () => {
    const options = await cache.configure();
    const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
    let isOver = false;
    let whole = 0;
    const work = clients.flatMap((client, index) =>
      Array.from({ length: 4 }, async (_, worker) => {
        const key = `key of ${index}, ${worker}`;
        while (!isOver) {
          const value = `value ${whole}`;
          const results = await client
            .multi()
            .set(key, value)
            .get(key)
            .exec()
            .catch(() => undefined);
          if (!results) continue;
          expect(results).to.deep.equal([
            [null, 'OK'],
            [null, value],
          ]);
          whole += 1;
        }
      }),
    );
    for (let drops = 0; drops < 20; drops += 1) {
      const before = whole;
      await until(() => whole > before + 20);
      // Some of them fall into a refresh.
      if (drops % 4 === 0) void options.authenticator.refresh();
      cache.azure.dropConnections();
    }
    isOver = true;
    await Promise.all(work);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
