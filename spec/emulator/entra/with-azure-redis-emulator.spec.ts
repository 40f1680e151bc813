import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../../emulator/index.js';
import { RawClient } from '../../support/raw-client.js';
import { askForToken } from './support/client.js';

describe('AzureRedisEmulator with an EntraEmulator', () => {
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let client: RawClient;

  before(async () => {
    entra = await EntraEmulator.start();
    azure = await AzureRedisEmulator.start({ entra });
  });
  after(async () => {
    await azure.stop();
    await entra.stop();
  });
  beforeEach(async () => {
    client = await RawClient.connect(azure);
  });
  afterEach(() => {
    client.destroy();
  });

  async function tokenOf(from: EntraEmulator, objectId?: string): Promise<{ user: string; token: string }> {
    const application = from.addApplication({ objectId });
    const { json } = await askForToken(from, {
      grant_type: 'client_credentials',
      client_id: application.clientId,
      client_secret: application.addSecret(),
      scope: 'https://redis.azure.com/.default',
    });
    return { user: application.objectId, token: String(json['access_token']) };
  }

  it('accepts its tokens of identities with a role', async () => {
    const { user, token } = await tokenOf(entra);
    await azure.assignRole(user, 'Data Reader');
    client.command('AUTH', user, token);
    await client.expect('+OK\r\n');
    expect(azure.statistics.logins).to.have.length(1);
  });

  it('rejects its tokens of other identities', async () => {
    const { user, token } = await tokenOf(entra);
    client.command('AUTH', user, token);
    expect(await client.line()).to.match(/^-WRONGPASS/);
    expect(azure.statistics.refusals.at(-1)).to.include({
      user,
      reason: 'the identity has no access policy on this cache',
    });
  });

  it('rejects the tokens of another EntraEmulator', async () => {
    const other = await EntraEmulator.start();
    try {
      const { user, token } = await tokenOf(other);
      await azure.assignRole(user, 'Data Owner');
      client.command('AUTH', user, token);
      expect(await client.line()).to.match(/^-WRONGPASS/);
      expect(azure.statistics.refusals.at(-1)).to.include({ user, reason: 'the token is of another issuer' });
    } finally {
      await other.stop();
    }
  });

  it('accepts the tokens of its own credentials too', async () => {
    const { oid } = azure.options.credential;
    client.command('AUTH', oid, await azure.issueToken());
    await client.expect('+OK\r\n');
  });
});
