import { once } from 'node:events';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { freePort } from '../../emulator/ports.js';
import { RawClient } from '../support/raw-client.js';
import { rejection } from '../support/rejection.js';
import { next } from '../support/waiting.js';

describe('where the emulators listen', () => {
  describe('AzureRedisEmulator', () => {
    it('listens on the port given', async () => {
      const port = await freePort();
      await using azure = await AzureRedisEmulator.start({ port });
      expect(azure.options.port).to.equal(port);
      const client = await RawClient.connect({ host: 'localhost', port, ca: azure.ca });
      client.destroy();
    });

    it('names a port that is in use', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number };
      const error = await rejection(AzureRedisEmulator.start({ port }));
      expect(error).to.include({
        code: 'INVALID_OPTION',
        message: `Port ${port} of 127.0.0.1 cannot be listened on: it is in use.`,
      });
      other.close();
      await once(other, 'close');
    });

    it('listens on every address, and has a certificate for its host name', async () => {
      await using azure = await AzureRedisEmulator.start({ bind: '0.0.0.0', hostname: 'redis-emulator' });
      const { host, port, ca } = azure;
      expect(host).to.equal('redis-emulator');
      for (const servername of ['redis-emulator', 'localhost']) {
        const client = await RawClient.connect({ host: '127.0.0.2', port, ca, servername });
        client.destroy();
      }
    });

    it('has a certificate for an IP address as its host name', async () => {
      await using azure = await AzureRedisEmulator.start({ bind: '127.0.0.2', hostname: '127.0.0.2' });
      const client = await RawClient.connect({ host: '127.0.0.2', port: azure.port, ca: azure.ca });
      client.destroy();
    });

    it('gives the nodes of a cluster the ports after its own', async () => {
      // Nobody reserves them: another range is tried if one of them is in use.
      const start = async (attempts = 5): Promise<AzureRedisEmulator> => {
        try {
          return await AzureRedisEmulator.start({ port: await freePort(), cluster: { masters: 2 } });
        } catch (error) {
          if (attempts === 1) throw error;
          return start(attempts - 1);
        }
      };
      await using azure = await start();
      const ports = azure.cluster.nodes.map(({ port }) => port);
      expect(ports).to.have.members([azure.port + 1, azure.port + 2]);
    });
  });

  describe('EntraEmulator', () => {
    it('listens on the ports given, by its host name', async () => {
      const [port, metadataPort] = [await freePort(), await freePort()];
      const options = { port, metadataPort, bind: '0.0.0.0', hostname: 'entra-emulator' };
      await using entra = await EntraEmulator.start(options);
      expect(entra.authorityHost).to.equal(`https://entra-emulator:${port}`);
      expect(entra.appServiceEnvironment).to.include({
        IDENTITY_ENDPOINT: `http://entra-emulator:${metadataPort}/msi/token`,
      });
    });

    it('names its endpoints by the host and port that the client uses', async () => {
      await using entra = await EntraEmulator.start();
      const { port } = new URL(entra.authorityHost);
      const configuration = await new Promise<string>((resolve, reject) => {
        const path = `/${entra.tenantId}/v2.0/.well-known/openid-configuration`;
        const headers = { Host: 'localhost:8443' };
        get({ host: 'localhost', port, path, ca: entra.ca, headers, agent: false }, (response) => {
          text(response).then(resolve, reject);
        }).on('error', reject);
      });
      expect(JSON.parse(configuration)).to.include({
        token_endpoint: `https://localhost:8443/${entra.tenantId}/oauth2/v2.0/token`,
      });
    });

    it('refuses a port that is none, and a port in use', async () => {
      expect((await rejection(EntraEmulator.start({ port: -1 }))).message).to.include('`port` must be');
      await using entra = await EntraEmulator.start();
      const port = Number(new URL(entra.authorityHost).port);
      expect((await rejection(EntraEmulator.start({ metadataPort: port }))).message).to.include('in use');
    });

    it('emits each request and token', async () => {
      await using entra = await EntraEmulator.start();
      const { objectId } = entra.addManagedIdentity('systemAssigned');
      const { IDENTITY_ENDPOINT = '', IDENTITY_HEADER = '' } = entra.appServiceEnvironment;
      const events = Promise.all([next(entra, 'token'), next(entra, 'request')]);
      const query = '?api-version=2019-08-01&resource=https://redis.azure.com';
      await fetch(IDENTITY_ENDPOINT + query, { headers: { 'X-IDENTITY-HEADER': IDENTITY_HEADER } });
      const [token, request] = await events;
      expect(token).to.include({ objectId });
      expect(request).to.include({ path: '/msi/token', status: 200 });
      expect(entra.statistics.requests).to.deep.equal([request]);
    });
  });
});
