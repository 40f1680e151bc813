import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startChromium } from '../support/chromium.js';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { SampleProcess } from '../support/sample-process.js';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

describe('the identity "user" of the sample connect, in a browser', () => {
  // To start a browser on a busy machine, and to see three tokens end, takes a while.
  let browser: Awaited<ReturnType<typeof startChromium>>;
  let sample: SampleProcess;
  let page: Page;
  let complaints: string[];
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  const username = 'ada@localentra.onmicrosoft.com';
  const password = 'local-password';

  before(async () => {
    browser = await startChromium();
  });
  after(() => browser.stop());

  beforeEach(async () => {
    entra = await EntraEmulator.start({ tokenLifetime: 5_000 });
    azure = await AzureRedisEmulator.start({ entra });
    await azure.assignRole(entra.addUser({ username, password }).objectId, 'Data Contributor');
    const redirectUris = ['http://localhost/signed-in'];
    const { clientId } = entra.addApplication({ publicClient: true, redirectUris });
    const ca = join(dirname(entra.caFile), 'redis-ca.pem');
    await writeFile(ca, azure.ca);
    sample = new SampleProcess(
      'samples/connect/main.ts',
      [
        ...['--host', azure.host, '--port', String(azure.port), '--ca', ca],
        ...['--identity', 'user', '--client-id', clientId, '--tenant-id', entra.tenantId],
      ],
      { AZURE_AUTHORITY_HOST: entra.authorityHost, NODE_EXTRA_CA_CERTS: entra.caFile },
    );
    // The browser does not know the local Entra's authority; the sample does, and checks it.
    page = await browser.context.newPage();
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(await sample.printed(/(https:\/\/\S+\/authorize\?\S+)\n/));
  });
  afterEach(async () => {
    await page.close();
    await sample.stop();
    await azure.stop();
    await entra.stop();
  });

  async function enter(username: string, password: string): Promise<void> {
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  it('signs the user in once and stays logged in to the cache across token expiries', async () => {
    expect(await page.title()).to.equal('Sign in to your account');

    await enter('nobody@localentra.onmicrosoft.com', password);
    expect(await page.getByRole('alert').textContent()).to.include('AADSTS50034');
    await enter(username, 'a wrong password');
    expect(await page.getByRole('alert').textContent()).to.include('AADSTS50126');
    expect(await page.getByLabel('User name').inputValue()).to.equal(username);

    await enter(username, password);
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();
    expect(new URL(page.url()).hostname).to.equal('localhost');

    await sample.printed(/Logged in to one server as [\w-]+/);
    await sample.printed(/ re-authenticated$/m, 3);
    await sample.stop();
    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.match(/Commands \d+, failures 0\n/);
    expect(azure.statistics.evictions).to.deep.equal([]);
    expect(sample.output).to.not.match(/eyJ/);
    expect(complaints).to.deep.equal([]);
  });

  it('reports that the user declined', async () => {
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();
    expect(await sample.exitCode()).to.equal(1);
    expect(sample.output).to.match(/The sign-in was refused: access_denied/);
    expect(sample.output).to.match(/The user declined to consent\./);
    expect(complaints).to.deep.equal([]);
  });
});
