import { expect } from 'chai';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { allRenewed, happens, next, times, until } from '../support/waiting.js';
import { count, describeBehindNetwork, errorOf } from './support/behind-network.js';

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
