import { inspect } from 'node:util';
import { expect } from 'chai';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { rejection } from '../support/rejection.js';
import { happens, next, until } from '../support/waiting.js';

describe('an access key', () => {
  const cache = Cache.forEach();

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      it('logs in as the user `default`, and does not expire', async () => {
        const options = await cache.configure({ accessKey: cache.azure.accessKey });
        const client = await cache.connect(variant, options);
        expect(await client.set('key', 'value')).to.equal('OK');
        expect(options.username).to.equal('default');
        expect(options.authenticator.expiresOn.getTime()).to.equal(8.64e15);
        expect(options.authenticator.connections).to.deep.equal([
          { endpoint: `localhost:${cache.azure.port}`, status: 'ready', stalls: 0 },
        ]);
      });

      it('is acquired again for the connection that replaces one after RESET', async () => {
        const options = await cache.configure({
          accessKey: () => cache.azure.accessKey,
        });
        const client = await cache.connect(variant, options);
        cache.azure.regenerateAccessKey();
        expect(await Promise.all([client.call('RESET'), client.set('key', 'value')])).to.deep.equal([
          'RESET',
          'OK',
        ]);
        expect(cache.azure.statistics.connections).to.have.length(2);
        expect(cache.azure.statistics.refusals).to.deep.equal([]);
      });
    });
  }

  it('is acquired again for each connection, so that its rotation needs no restart', async () => {
    const options = await cache.configure({
      accessKey: () => Promise.resolve(cache.azure.accessKey),
    });
    const client = await cache.connect(VARIANTS[0], options);
    cache.azure.regenerateAccessKey();
    expect(await client.ping(), 'the live connection stays as it is').to.equal('PONG');
    const ready = happens(client, 'ready');
    cache.azure.dropConnections();
    await ready;
    expect(await client.ping()).to.equal('PONG');
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('stays in use when it cannot be acquired again, which is reported', async () => {
    let isVaultDown = false;
    const options = await cache.configure({
      accessKey: () => {
        if (isVaultDown) throw new Error('the vault is down');
        return cache.azure.accessKey;
      },
    });
    const client = await cache.connect(VARIANTS[0], options);
    isVaultDown = true;
    const reported = next<{ error: Error }>(options.authenticator, 'tokenRefreshFailed');
    const ready = happens(client, 'ready');
    cache.azure.dropConnections();
    expect((await reported).error.message).to.contain('the vault is down');
    await ready;
  });

  it('opens no connection that waited for it when the authenticator was closed', async () => {
    let supply: ((key: string) => void) | undefined;
    let calls = 0;
    const options = await cache.configure({
      accessKey: () => {
        calls += 1;
        return calls === 1 ? cache.azure.accessKey : new Promise((resolve) => (supply = resolve));
      },
    });
    const client = cache.client(VARIANTS[0], options);
    await until(() => supply !== undefined);
    options.authenticator.close();
    const failed = next(client, 'error').catch((error: unknown) => error);
    supply?.(cache.azure.accessKey);
    expect(await failed).to.have.property('code', 'CLOSED');
    expect(cache.azure.statistics.connections).to.deep.equal([]);
  });

  it('must be a non-empty string, or a function that returns one', async () => {
    expect(await rejection(cache.configure({ accessKey: '' }))).to.include({
      code: 'INVALID_OPTION',
    });
    const none = cache.configure({ accessKey: () => '', retry: { retries: 0 } });
    expect(await rejection(none)).to.include({ code: 'TOKEN_UNAVAILABLE' });
  });

  it('must not contain a line break, as one read from a file does', async () => {
    const accessKey = `${cache.azure.accessKey}\n`;
    const given = await rejection(cache.configure({ accessKey }));
    expect(given.code).to.equal('INVALID_OPTION');
    expect(given.message).to.contain('line break').and.not.contain(cache.azure.accessKey);
    const read = cache.configure({
      accessKey: () => accessKey,
      retry: { retries: 0 },
    });
    const unavailable = await rejection(read);
    expect(unavailable.code).to.equal('TOKEN_UNAVAILABLE');
    expect(unavailable.message).to.contain('line break').and.not.contain(cache.azure.accessKey);
  });

  it('rejects options that apply to tokens only', async () => {
    for (const more of [{ username: () => 'me' }, { scope: 'x' }, { cloud: 'china' as const }]) {
      expect(await rejection(cache.configure({ accessKey: 'key', ...more }))).to.include({
        code: 'CONFLICTING_OPTIONS',
      });
    }
  });

  it('is shown nowhere', async () => {
    const options = await cache.configure({ accessKey: cache.azure.accessKey });
    const [variant] = VARIANTS;
    const client = await cache.connect(variant, options);
    expect(inspect(client, { depth: 12, showHidden: true })).not.to.contain(cache.azure.accessKey);
    expect(JSON.stringify([options, options.authenticator])).not.to.contain(cache.azure.accessKey);
  });
});
