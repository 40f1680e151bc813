import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { happens, nextWhere, past } from '../support/waiting.js';
import { count, describeBehindNetwork, errorOf } from './support/behind-network.js';

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
