import { inspect } from 'node:util';
import { expect } from 'chai';
import { Authenticator, AzureRedisError } from '../lib/index.js';
import { Cache } from './support/cache.js';
import { VARIANTS } from './support/ioredis-versions.js';
import { rejection } from './support/rejection.js';
import { next, past } from './support/waiting.js';

const SCOPE = 'https://redis.azure.com/.default';

function failureOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

describe('Authenticator', () => {
  const cache = Cache.forEach();
  const [variant] = VARIANTS;

  it('reports its user name, expiry and connections', async () => {
    const credential = cache.azure.credential();
    const options = await cache.configure({ credential });
    const { authenticator } = options;
    expect(authenticator.username).to.equal(credential.oid);
    expect(authenticator.connections).to.deep.equal([]);
    await cache.connect(variant, options);
    expect(authenticator.connections).to.deep.equal([
      {
        endpoint: `localhost:${cache.azure.port}`,
        status: 'ready',
        expiresOn: authenticator.expiresOn,
        stalls: 0,
      },
    ]);
  });

  it('re-authenticates live connections on refresh()', async () => {
    const options = await cache.configure();
    const { authenticator } = options;
    const before = authenticator.expiresOn;
    await cache.connect(variant, options);
    const refreshed = next(authenticator, 'tokenRefreshed');
    await authenticator.refresh();
    expect(authenticator.expiresOn).to.be.above(before);
    expect(await refreshed).to.deep.equal({
      username: authenticator.username,
      expiresOn: authenticator.expiresOn,
    });
  });

  it('rejects refresh() with the reason, and keeps the current token', async () => {
    const options = await cache.configure();
    const client = await cache.connect(variant, options);
    cache.azure.identityDown();
    const reported = next<{ error: AzureRedisError }>(options.authenticator, 'tokenRefreshFailed');
    const error = await rejection(options.authenticator.refresh());
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    expect((await reported).error).to.equal(error);
    expect(await client.ping()).to.equal('PONG');
  });

  it('attaches only clients that log in with its password', async () => {
    const options = await cache.configure();
    const other = await cache.configure();
    const client = cache.client(variant, { ...other, lazyConnect: true });
    expect(
      failureOf(() => {
        options.authenticator.attach(client);
      }),
    ).to.include({ code: 'UNMANAGED_CLIENT' });
    options.authenticator.close();
    const own = cache.client(variant, { ...options, lazyConnect: true });
    expect(
      failureOf(() => {
        options.authenticator.attach(own);
      }),
    ).to.include({ code: 'CLOSED' });
  });

  it('does not count a client that has ended before it is attached', async () => {
    const options = await cache.configure();
    const client = await cache.connect(variant, options);
    const ended = next(client, 'end');
    client.disconnect();
    await ended;
    options.authenticator.attach(client);
    expect(options.authenticator.connections).to.deep.equal([]);
    await client.connect();
    expect(options.authenticator.connections).to.have.length(1);
  });

  it('releases its clients on close(): they stay connected, and open no new connection', async () => {
    const options = await cache.configure();
    const client = await cache.connect(variant, options);
    options.authenticator.close();
    expect(options.authenticator.connections).to.deep.equal([]);
    expect(await client.ping()).to.equal('PONG');
    expect(await rejection(options.authenticator.refresh())).to.include({ code: 'CLOSED' });
    const failed = next<Error>(client, 'error').catch((error: unknown) => error);
    cache.azure.dropConnections();
    expect(await failed).to.include({ code: 'CLOSED' });
  });

  it('cannot be constructed directly', () => {
    const Constructor = Authenticator as unknown as new () => Authenticator;
    expect(failureOf(() => new Constructor()))
      .to.be.instanceOf(AzureRedisError)
      .and.include({
        code: 'INVALID_OPTION',
      });
  });

  it('can be copied with its options, for example by cloneDeep(), and the copies inspected and serialised', async () => {
    const options = await cache.configure();
    // What lodash makes of an object with a class, and of the functions in it.
    const copy = Object.assign(
      Object.create(Authenticator.prototype) as Authenticator,
      options.authenticator,
    );
    const copied = { ...options, authenticator: copy };
    expect(inspect(copied)).to.contain('Authenticator {}');
    expect(JSON.parse(JSON.stringify(copied))).to.deep.include({ authenticator: {} });
    const client = await cache.connect(variant, copied);
    expect(await client.ping()).to.equal('PONG');
    expect(options.authenticator.connections).to.have.length(1);
  });

  it('names the cause of the WRONGPASS of options that went through JSON', async () => {
    const options = await cache.configure();
    const { username, password } = JSON.parse(JSON.stringify(options)) as {
      username: string;
      password: string;
    };
    const client = new variant.Redis({ ...options, username, password, protocol: 2, lazyConnect: true });
    const failed = next(client, 'error').catch((error: unknown) => error);
    client.connect().catch(() => undefined);
    const error = await failed;
    client.disconnect();
    expect(error)
      .to.have.property('message')
      .that.matches(/^WRONGPASS/);
    expect(inspect(error)).to.contain('these options went through JSON');
  });

  it('shows no token, however it is inspected', async () => {
    const credential = cache.azure.credential({ cacheTokens: true });
    const options = await cache.configure({ credential });
    const { token } = await credential.getToken(SCOPE);
    expect(String(options.password), 'the cached token is the one in use').to.equal(token);
    for (const shown of [
      inspect(options, { depth: 12, showHidden: true }),
      JSON.stringify(options),
      inspect(options.authenticator),
    ]) {
      expect(shown).not.to.contain(token);
    }
    expect(JSON.parse(JSON.stringify(options.authenticator))).to.deep.equal({
      username: credential.oid,
      expiresOn: options.authenticator.expiresOn.toISOString(),
      connections: [],
    });
  });
});

describe('a connection that cannot be opened', () => {
  const cache = Cache.forEach({ tokenLifetime: 1_000 });

  for (const variant of VARIANTS) {
    it(`is not opened over plain TCP to another machine, even if a library drops \`tls\`: ${variant.name}`, async () => {
      const options = { ...(await cache.configure()), host: '192.0.2.1', lazyConnect: true };
      Reflect.deleteProperty(options, 'tls');
      const client = cache.client(variant, options);
      const failed = next(client, 'error').catch((error: unknown) => error);
      client.connect().catch(() => undefined);
      expect(await failed)
        .to.be.instanceOf(AzureRedisError)
        .and.include({ code: 'INSECURE_CONNECTION' });
    });

    it(`does not keep the process alive after disconnect() in an outage of the identity service: ${variant.name}`, async () => {
      const options = await cache.configure({ retryStrategy: () => 5 });
      const client = await cache.connect(variant, options);
      cache.azure.identityHanging();
      await past(options.authenticator.expiresOn);
      if (client.status === 'ready') await next(client, 'close');
      if (client.status !== 'connecting') await next(client, 'connecting');
      const timers = (): number =>
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      client.disconnect();
      await next(client, 'end');
      // The timer of the attempt is gone, and no other one has been started.
      expect(timers()).to.be.below(before);
    });

    it(`without a token is retried by ioredis, with the reason: ${variant.name}`, async () => {
      const options = await cache.configure({ connectTimeout: 200, acquireTimeout: 300 });
      await past(options.authenticator.expiresOn);
      cache.azure.identityHanging();
      const client = cache.client(variant, { ...options, protocol: variant.protocol });
      expect(await next(client, 'error').catch((error: unknown) => error)).to.include({
        code: 'TOKEN_UNAVAILABLE',
      });
      const ready = new Promise((resolve) => client.once('ready', resolve));
      cache.azure.identityRestored();
      await ready;
    });

    it(`is abandoned at once when the client is disconnected while it waits: ${variant.name}`, async () => {
      const options = await cache.configure();
      await past(options.authenticator.expiresOn);
      cache.azure.identityHanging();
      const client = cache.client(variant, { ...options, protocol: variant.protocol });
      const pending = client.get('key').catch((error: unknown) => error);
      const ended = next(client, 'end');
      client.disconnect();
      await ended;
      expect(await pending).to.have.property('message', 'Connection is closed.');
      expect(cache.azure.statistics.connections).to.deep.equal([]);
    });
  }
});
