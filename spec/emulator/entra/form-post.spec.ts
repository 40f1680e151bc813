import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { EntraEmulator } from '../../../emulator/entra/index.js';
import { startChromium } from '../../support/chromium.js';

describe('EntraEmulator, with response_mode=form_post in a browser', () => {
  let browser: Awaited<ReturnType<typeof startChromium>>;
  let entra: EntraEmulator;
  let application: Server;

  before(async () => {
    [browser, entra] = await Promise.all([startChromium(), EntraEmulator.start()]);
    application = createServer().listen(0, 'localhost');
    await once(application, 'listening');
  });
  after(async () => {
    await browser.stop();
    application.close();
    await entra.stop();
  });

  it('posts the code and the state to the redirect URI, without a click', async () => {
    const { username } = entra.addUser({ password: 'the password' });
    const { clientId } = entra.addApplication({ publicClient: true, redirectUris: ['http://localhost'] });
    const query = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      response_mode: 'form_post',
      redirect_uri: `http://localhost:${(application.address() as AddressInfo).port}`,
      scope: 'https://redis.azure.com/.default',
      state: 'the state',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    });
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(`${entra.authorityHost}/${entra.tenantId}/oauth2/v2.0/authorize?${query.toString()}`);
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill('the password');
    const posted = new Promise<{ method?: string | undefined; body: string }>((resolve, reject) => {
      application.once('request', (request: IncomingMessage, response: ServerResponse) => {
        // The click is over when the page that follows it has loaded.
        response.setHeader('Connection', 'close').end();
        text(request).then((body) => {
          resolve({ method: request.method, body });
        }, reject);
      });
    });
    await page.getByRole('button', { name: 'Sign in' }).click();
    const { method, body } = await posted;
    const form = new URLSearchParams(body);
    expect(method).to.equal('POST');
    expect(form.get('state')).to.equal('the state');
    expect(form.get('code')).to.match(/^.{20,}$/);
    expect(complaints).to.deep.equal([]);
  });
});
