import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startChromium } from '../../support/chromium.js';
import { Application, PASSWORD } from './support/application.js';
import { obstacles } from './support/readability.js';
import { redirectOf } from './support/visitor.js';

const SIZES = [
  { width: 320, height: 640 },
  { width: 375, height: 812 },
  { width: 1280, height: 800 },
];

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

/** The outline of what has the focus. */
const FOCUS_RING = `(() => {
  const { left, right, top } = document.activeElement.getBoundingClientRect();
  const { outlineStyle: style, outlineOffset, outlineWidth } = getComputedStyle(document.activeElement);
  const beyond = parseFloat(outlineOffset) + parseFloat(outlineWidth);
  const isClipped = left - beyond < 0 || top - beyond < 0 || right + beyond > document.documentElement.clientWidth;
  return { style, isClipped };
})()`;

/** Gives this device a long name. How far its badge is to the right of that, in px, and whether it is below. */
const BADGE = `(() => {
  document.querySelector('h3:has(.badge)').firstChild.data = 'Samsung Internet on Android ';
  const badge = document.querySelector('.badge').getBoundingClientRect();
  const name = document.querySelector('h3:has(.badge)').getBoundingClientRect();
  return { indent: badge.left - name.left, isWrapped: badge.top > name.top + 16 };
})()`;

describe('samples/sessions in a browser', () => {
  let application: Application;
  let browser: Awaited<ReturnType<typeof startChromium>>;
  let page: Page;
  let complaints: string[];

  before(async () => {
    browser = await startChromium();
    application = await Application.start();
  });
  after(async () => {
    await application.stop();
    await browser.stop();
  });

  beforeEach(async () => {
    await browser.context.clearCookies();
    page = await browser.context.newPage();
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(application.visitor().url);
  });
  afterEach(() => page.close());

  async function signIn(password = PASSWORD): Promise<void> {
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  it('signs in, shows the devices, and signs one out and then all', async () => {
    expect(await page.title()).to.equal('Sign in · Contoso');
    await signIn('wrong');
    expect(await page.getByRole('alert').textContent()).to.equal('The user name or the password is wrong.');
    expect(await page.getByLabel('User name').inputValue()).to.equal('ada');
    await signIn();
    await page.getByRole('heading', { name: 'Your sessions' }).waitFor();
    await page.getByRole('heading', { name: 'Chrome on Linux This device' }).waitFor();

    const phone = application.visitor({ 'User-Agent': IPHONE }, 1);
    await phone.signIn('ada', PASSWORD);
    await page.reload();
    await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click();
    await page.getByText('The device was signed out.').waitFor();
    expect(redirectOf(await phone.get('/'))).to.equal('303 /sign-in?ended');

    await page.getByRole('button', { name: 'Add an item' }).click();
    await page.getByText('1 item', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();

    // Chromium reports that the wrong password was refused; nothing else, such as a breach of the policy for contents.
    expect(complaints).to.have.length(1);
    expect(complaints[0]).to.contain('status of 403');
  });

  it('can be used with the keyboard alone, on a phone too', async () => {
    await page.setViewportSize({ width: 375, height: 812 });
    await page.keyboard.type('ada');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Your sessions' }).waitFor();
    for (const name of ['Contoso', 'Sign out', 'Sign out everywhere', 'Add an item']) {
      await page.keyboard.press('Tab');
      expect(await page.locator(':focus-visible').textContent()).to.equal(name);
      expect(await page.evaluate(FOCUS_RING), name).to.deep.equal({ style: 'solid', isClipped: false });
    }
  });

  it('aligns the badge with the name of the device if it wraps', async () => {
    await signIn();
    await page.setViewportSize({ width: 375, height: 812 });
    await page.locator('.badge').waitFor();
    expect(await page.evaluate(BADGE)).to.deep.equal({ indent: 0, isWrapped: true });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be read on small and large screens, in ${colorScheme} colours`, async () => {
      await page.emulateMedia({ colorScheme });
      const check = async (): Promise<void> => {
        for (const size of SIZES) {
          await page.setViewportSize(size);
          expect(await obstacles(page), JSON.stringify(size)).to.deep.equal([]);
        }
      };
      await signIn('wrong');
      await page.getByRole('alert').waitFor();
      await check();
      await application.visitor({ 'User-Agent': IPHONE }).signIn('ada', PASSWORD);
      await signIn();
      await page.goto(`${application.visitor().url}/?ended=one`);
      await page.getByText('The device was signed out.').waitFor();
      await check();
      await page.goto(`${application.visitor().url}/nowhere`);
      await page.getByRole('heading', { name: 'Page not found' }).waitFor();
      await check();
    });
  }
});
