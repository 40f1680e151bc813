import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { SampleProcess } from './support/sample-process.js';

// CI sets CHROMIUM, and fails where it is missing. Elsewhere the browser is no condition for running the specs.
const installed = '/usr/bin/chromium';
const executablePath = process.env['CHROMIUM'] ?? (existsSync(installed) ? installed : undefined);

if (executablePath === undefined) {
  console.warn('The sign-in in a browser is not tried: install chromium, or set CHROMIUM to its path.');
} else {
  describe('the sample authorization-code, in a browser', () => {
    let browser: Browser;
    let sample: SampleProcess;
    let page: Page;
    let complaints: string[];

    before(async () => {
      browser = await chromium.launch({
        executablePath,
        args: [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      });
    });
    after(() => browser.close());

    beforeEach(async () => {
      sample = new SampleProcess('samples/authorization-code/main.ts', '--local', '--no-browser');
      // The browser does not know the local Entra's authority; the sample does, and checks it.
      page = await browser.newPage({ ignoreHTTPSErrors: true });
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

    it('signs the user in, and refreshes silently from then on', async () => {
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
      expect(sample.output).to.match(/Signed in\.\nToken 1 .+\nToken 2 .+\nToken 3 .+\nToken 4 .+\n$/);
      expect(sample.output).to.not.match(/eyJ/);
      expect(complaints).to.deep.equal([]);
    });

    it('says so when the user does not want to', async () => {
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('heading', { name: 'Thank you' }).waitFor();
      expect(await sample.exitCode()).to.equal(1);
      expect(sample.output).to.match(/The sign-in was refused: access_denied/);
      expect(sample.output).to.match(/The user declined to consent\./);
      expect(complaints).to.deep.equal([]);
    });
  });
}
