import { expect } from 'chai';
import { Cluster } from 'ioredis';
import { next } from '../../support/waiting.js';
import { Application, PASSWORD } from './support/application.js';
import { redirectOf, type Visitor } from './support/visitor.js';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0';

const SIGNED_OUT = '303 /sign-in?ended';

for (const { name, cluster } of [
  { name: 'a cache', cluster: undefined },
  { name: 'a clustered cache', cluster: { masters: 3, replicas: 0 } },
]) {
  describe(`samples/sessions on ${name}`, () => {
    let application: Application;
    let computer: Visitor;
    let phone: Visitor;
    let laptop: Visitor;

    before(async () => {
      application = await Application.start({}, cluster);
    });
    after(() => application.stop());

    beforeEach(async () => {
      computer = application.visitor({ 'User-Agent': CHROME });
      // The other instance: what one of them does takes effect in all.
      phone = application.visitor({ 'User-Agent': SAFARI }, 1);
      laptop = application.visitor({ 'User-Agent': FIREFOX }, 1);
      for (const visitor of [phone, laptop, computer]) await visitor.signIn('ada', PASSWORD);
    });
    afterEach(async () => {
      await computer.post('/sessions/end-all');
    });

    it('runs on the client that the cache needs', () => {
      expect(application.redis instanceof Cluster).to.equal(cluster !== undefined);
    });

    it('lists all devices of a user, the one used last first', async () => {
      await computer.get('/');
      const names = [...computer.page.matchAll(/<h3>\s*([^<]+?)\s*</g)].map(([, device]) => device);
      expect(names).to.deep.equal(['Chrome on Windows', 'Firefox on Linux', 'Safari on iPhone']);
      expect(computer.page.match(/This computer, used <time[^>]*>just now/g)).to.have.length(3);
      expect(computer.page.match(/This device/g)).to.have.length(1);
      expect([...computer.devices.keys()]).to.deep.equal(['Firefox on Linux', 'Safari on iPhone']);

      await phone.get('/');
      await computer.get('/');
      expect([...computer.devices.keys()]).to.deep.equal(['Safari on iPhone', 'Firefox on Linux']);
    });

    it('signs one device out, from its next request on', async () => {
      const handle = computer.devices.get('Safari on iPhone') ?? '';
      const response = await computer.post('/sessions/end', { handle });
      expect(redirectOf(response)).to.equal('303 /?ended=one');
      expect(redirectOf(await phone.get('/'))).to.equal(SIGNED_OUT);
      expect(phone.cookies.has('session')).to.equal(false);

      expect((await laptop.get('/')).status).to.equal(200);
      await computer.get('/');
      expect([...computer.devices.keys()]).to.deep.equal(['Firefox on Linux']);
    });

    it('signs all other devices out', async () => {
      await computer.post('/sessions/end-others');
      expect(redirectOf(await phone.get('/'))).to.equal(SIGNED_OUT);
      expect(redirectOf(await laptop.get('/'))).to.equal(SIGNED_OUT);
      await computer.get('/');
      expect(computer.page).to.contain('You are signed in on this device only.');
    });

    it('signs all devices out', async () => {
      expect(redirectOf(await computer.post('/sessions/end-all'))).to.equal('303 /sign-in');
      for (const visitor of [computer, phone, laptop]) {
        expect(redirectOf(await visitor.get('/'))).to.equal(SIGNED_OUT);
      }
    });

    it('signs this device out, and no other', async () => {
      expect(redirectOf(await computer.post('/sign-out'))).to.equal('303 /sign-in');
      expect(redirectOf(await computer.get('/'))).to.equal(SIGNED_OUT);
      await phone.get('/');
      expect([...phone.devices.keys()]).to.deep.equal(['Firefox on Linux']);
    });

    it('shows and ends no sessions of others', async () => {
      const other = application.visitor({ 'User-Agent': CHROME });
      await other.signIn('grace', PASSWORD);
      expect(other.devices.size).to.equal(0);
      for (const handle of computer.devices.values()) await other.post('/sessions/end', { handle });
      await other.post('/sessions/end-all');
      for (const visitor of [computer, phone, laptop]) expect((await visitor.get('/')).status).to.equal(200);
    });

    it('loses no change of requests that are made at once, to two instances, across a token expiry', async () => {
      const twin = application.visitor({}, 1);
      computer.cookies.forEach((value, cookie) => twin.cookies.set(cookie, value));
      await twin.get('/');
      const { authenticator } = application;
      const add = async (visitor: Visitor): Promise<void> => {
        expect(redirectOf(await visitor.post('/basket'))).to.equal('303 /');
      };
      const pages = [computer, twin];
      const refreshed = next(authenticator, 'reauthenticated');
      await Promise.all(Array.from({ length: 10 }, () => pages.map(add)).flat());
      await refreshed;
      await Promise.all(Array.from({ length: 10 }, () => pages.map(add)).flat());
      await computer.get('/');
      expect(computer.page).to.contain('40 items');
    });
  });
}
