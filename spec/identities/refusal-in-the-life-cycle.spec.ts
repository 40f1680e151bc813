import { inspect } from 'node:util';
import { expect } from 'chai';
import { configureForAzure, type AzureRedisError } from '../../lib/index.js';
import { type Application, AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { rejection } from '../support/rejection.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next } from '../support/waiting.js';

describe('a service principal that Entra rejects', () => {
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let application: Application;

  before(async () => {
    entra = await EntraEmulator.start({ tokenLifetime: 4_000 });
    azure = await AzureRedisEmulator.start({ entra });
    entra.trust();
    application = entra.addApplication();
    await azure.assignRole(application.objectId, 'Data Owner');
  });
  after(async () => {
    await azure.stop();
    await entra.stop();
  });

  function configure(clientSecret: string | (() => string)) {
    const { host, port, tls } = azure.options;
    const { tenantId, authorityHost } = entra;
    const servicePrincipal = { tenantId, clientId: application.clientId, clientSecret };
    return configureForAzure({ host, port, tls, authorityHost, servicePrincipal });
  }

  it('fails at once at start-up, with the AADSTS number and a hint, without the secret', async () => {
    const before = entra.statistics.requests.length;
    const error = await rejection(configure('a-mistyped-secret'));
    expect(error.code).to.equal('TOKEN_REFUSED');
    expect(error.message).to.include('AADSTS7000215');
    expect(error.hint).to.match(/"Value" of the secret, not its "Secret ID"/);
    expect(inspect(error, { depth: null, showHidden: true })).to.not.include('a-mistyped-secret');
    const refused = entra.statistics.requests.slice(before).filter(({ status }) => status === 401);
    expect(refused).to.have.length(1);
  });

  it('is retried at start-up when Entra is busy', async () => {
    entra.throttling({ retryAfter: 1_000 });
    const asked = configure(application.addSecret());
    setTimeout(() => {
      entra.restored();
    }, 500);
    const { authenticator } = await asked;
    authenticator.close();
  });

  it('is reported and retried during a refresh, until the rotated secret is registered', async () => {
    let secret = application.addSecret();
    const options = await configure(() => secret);
    const { authenticator } = options;
    const clients = VARIANTS.map(({ Redis, protocol }) => new Redis({ ...options, protocol }));
    await Promise.all(clients.map((client) => client.ping()));

    application.removeSecret(secret);
    const { error } = await next<{ error: AzureRedisError }>(authenticator, 'tokenRefreshFailed');
    expect(error.code).to.equal('TOKEN_REFUSED');
    expect(error.message).to.include('AADSTS7000215');
    expect(error.hint).to.match(/"Value" of the secret, not its "Secret ID"/);
    expect(inspect(error, { depth: null, showHidden: true })).to.not.include(secret);

    secret = application.addSecret();
    await next(authenticator, 'tokenRefreshed');
    expect(await Promise.all(clients.map((client) => client.ping()))).to.deep.equal(['PONG', 'PONG', 'PONG']);
    expect(azure.statistics.refusals).to.deep.equal([]);
    for (const client of clients) client.disconnect();
  });
});
