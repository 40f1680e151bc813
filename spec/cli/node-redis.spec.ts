import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { ClientSecretCredential } from '@azure/identity';
import { EntraIdCredentialsProviderFactory, REDIS_SCOPE_DEFAULT } from '@redis/entraid';
import { expect } from 'chai';
import { createClient } from 'redis';
import { until } from '../support/waiting.js';
import { EmulatorProcess } from './support/emulator-process.js';

describe('node-redis on ioredis-azure emulator', () => {
  let emulator: EmulatorProcess;
  before(async () => {
    emulator = await EmulatorProcess.start('--token-lifetime', '2s');
  });
  after(() => emulator.stop());

  it('lives through expiries with @redis/entraid', async () => {
    const { port, tenantId, authorityHost, caFile } = emulator.description;
    const { clientId, clientSecret = '' } = emulator.identity('client-secret');
    const ca = await readFile(caFile, 'utf8');
    const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
      authorityHost,
      disableInstanceDiscovery: true,
      tlsOptions: { ca },
    });
    const credentialsProvider = EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
      credential,
      scopes: REDIS_SCOPE_DEFAULT,
      tokenManagerConfig: { expirationRefreshRatio: 0.5 },
    });
    const client = createClient({
      socket: { host: 'localhost', port, tls: true, ca },
      credentialsProvider,
    });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    await client.connect();
    await client.set('node-redis', 'alive');
    const name = 'service principal';
    // Each token is re-authenticated at half of its life: after three, the first has expired.
    await until(() => emulator.activitiesOf(name, 'reauthentication').length >= 3);
    expect(await client.get('node-redis')).to.equal('alive');
    client.destroy();
    expect(errors).to.deep.equal([]);
    expect(emulator.activitiesOf(name, 'login')).to.have.length(1);
    expect(emulator.activitiesOf(name, 'eviction')).to.deep.equal([]);
  });

  it('is evicted without it', async () => {
    const { port, caFile } = emulator.description;
    const { objectId, clientId } = emulator.identity('user-assigned');
    const client = createClient({
      socket: {
        ...{ host: 'localhost', port, tls: true, ca: await readFile(caFile, 'utf8') },
        reconnectStrategy: false,
      },
      username: objectId,
      password: await emulator.acquireToken(clientId),
    });
    const failed = once(client, 'error');
    await client.connect();
    expect(await client.ping()).to.equal('PONG');
    await failed;
    const [eviction] = await emulator.happened('eviction');
    expect(eviction).to.have.property('identity', 'user-assigned managed identity');
    expect(client.isReady).to.equal(false);
  });
});
