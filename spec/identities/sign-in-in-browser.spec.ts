import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startChromium } from '../support/chromium.js';
import { SampleProcess } from '../support/sample-process.js';

describe('the sample authorization-code, in a browser', () => {
  // To start a browser on a busy machine, and to see three tokens end, takes a while.
  let browser: Awaited<ReturnType<typeof startChromium>>;
  let sample: SampleProcess;
  let page: Page;
  let complaints: string[];

  before(async () => {
    browser = await startChromium();
  });
  after(() => browser.stop());

  beforeEach(async () => {
    sample = new SampleProcess('samples/authorization-code/main.ts', ['--no-browser']);
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
  });

  async function enter(username: string, password: string): Promise<void> {
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  it('signs the user in once and stays logged in to the cache across token expiries', async () => {
    const username = await sample.printed(/User name: (\S+)\n/);
    const password = await sample.printed(/Password: (\S+)\n/);
    expect(await page.title()).to.equal('Sign in to your account');

    await enter('nobody@localentra.onmicrosoft.com', password);
    expect(await page.getByRole('alert').textContent()).to.include('AADSTS50034');
    await enter(username, 'a wrong password');
    expect(await page.getByRole('alert').textContent()).to.include('AADSTS50126');
    expect(await page.getByLabel('User name').inputValue()).to.equal(username);

    await enter(username, password);
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();
    expect(new URL(page.url()).hostname).to.equal('localhost');

    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.match(/Signed in\.\nLogged in as [\w-]+; the token lives until/);
    expect(sample.output.match(/^Re-authenticated without the user/gm)).to.have.length(3);
    expect(sample.output).to.match(/The cache counted: connections 1, evictions 0\n$/);
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
