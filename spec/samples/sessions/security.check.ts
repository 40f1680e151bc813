import { expect } from 'chai';
import { handleOf, keysOf } from '../../../samples/sessions/session/session-id.js';
import { until } from '../../support/waiting.js';
import { Application, PASSWORD } from './support/application.js';
import { everythingIn } from './support/redis-contents.js';
import { redirectOf } from './support/visitor.js';

describe('samples/sessions, its protection', () => {
  let application: Application;

  beforeEach(async () => {
    application = await Application.start();
  });
  afterEach(() => application.stop());

  it('keeps hashes of ids in the cache, and nothing of a cookie', async () => {
    const visitor = application.visitor();
    await visitor.signIn('ada', PASSWORD);
    await visitor.post('/basket');
    const [group = '', secret = ''] = visitor.sessionId.split('.');
    expect(group).to.match(/^[\w-]{22}$/);
    expect(secret).to.match(/^[\w-]{43}$/);

    const contents = await everythingIn(application.redis);
    expect(contents).to.match(/^session:\S+ .*"ticket":\{"userId":"ada"/m);
    expect(contents).to.match(/^sessions:\S+ /m);
    for (const cookie of visitor.cookies.values()) expect(contents).to.not.contain(cookie);
    expect(contents).to.not.contain(group);
    expect(contents).to.not.contain(secret);
  });

  it('stores nothing for visitors who do not sign in', async () => {
    const visitor = application.visitor();
    expect(redirectOf(await visitor.get('/'))).to.equal('303 /sign-in');
    expect((await visitor.get('/sign-in')).status).to.equal(200);
    expect((await visitor.get('/nowhere')).status).to.equal(404);
    expect([...visitor.cookies.keys()]).to.deep.equal(['visitor']);
    expect(await everythingIn(application.redis)).to.equal('');
  });

  it('gives the session a new id at each sign-in, and ends the one before', async () => {
    const attacker = application.visitor();
    await attacker.signIn('grace', PASSWORD);
    const planted = attacker.cookies.get('session') ?? '';
    const victim = application.visitor();
    await victim.get('/sign-in');
    const form = victim.page;
    victim.cookies.set('session', planted);
    victim.page = form;
    await victim.post('/sign-in', { name: 'ada', password: PASSWORD });
    await victim.get('/');

    expect(victim.page).to.contain('Name of ada');
    expect(victim.cookies.get('session')).to.not.equal(planted);
    expect(redirectOf(await attacker.get('/'))).to.equal('303 /sign-in?ended');
  });

  it('takes no session from an id that it has not given', async () => {
    const visitor = application.visitor();
    await visitor.signIn('ada', PASSWORD);
    const [id = ''] = (visitor.cookies.get('session') ?? '').split('.');
    for (const forged of [`${id}.forged.signature`, 's%3A.', 'plain', '%']) {
      visitor.cookies.set('session', forged);
      expect(redirectOf(await visitor.get('/'))).to.match(/^303 \/sign-in/);
    }
  });

  it('signs a user out whose session cannot be read, and lists it no more', async () => {
    const { redis } = application;
    const [visitor, idle, other] = [application.visitor(), application.visitor(), application.visitor()];
    for (const one of [visitor, idle, other]) await one.signIn('ada', PASSWORD);
    const { session, index } = keysOf('', visitor.sessionId);
    await redis.set(session, '{"cookie":{},"user":"ada"}', 'EX', 60);
    // Of a session that can be read, when it was used cannot.
    await redis.hset(index, handleOf(idle.sessionId), '7');

    await other.get('/');
    expect(other.page).to.contain('You are signed in on 2 devices.');
    expect(redirectOf(await visitor.get('/'))).to.equal('303 /sign-in?ended');
    expect(visitor.cookies.has('session')).to.equal(false);
    expect((await visitor.signIn('ada', PASSWORD)).status).to.equal(303);
    expect(visitor.page).to.contain('You are signed in on 3 devices.');
  });

  it('accepts no form without the token of its page', async () => {
    const visitor = application.visitor();
    const other = application.visitor();
    await other.signIn('ada', PASSWORD);
    await visitor.signIn('ada', PASSWORD);
    const token = /name="_csrf"\s+value="([^"]+)"/.exec(other.page)?.[1] ?? '';
    for (const path of [
      '/basket',
      '/sessions/end-all',
      '/sessions/end-others',
      '/sessions/end',
      '/sign-out',
    ]) {
      expect((await visitor.post(path, { _csrf: '' })).status, path).to.equal(403);
      expect((await visitor.post(path, { _csrf: token })).status, path).to.equal(403);
    }
    await visitor.get('/');
    expect(visitor.page).to.contain('0 items').and.to.contain('You are signed in on 2 devices.');

    const stranger = application.visitor();
    const fields = { name: 'ada', password: PASSWORD };
    expect((await stranger.post('/sign-in', fields)).status).to.equal(403);
    await stranger.get('/sign-in');
    expect((await stranger.post('/sign-in', { ...fields, _csrf: token })).status).to.equal(403);
  });

  it('limits the attempts to sign in as a user, from anywhere', async () => {
    const visitor = application.visitor();
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect((await visitor.signIn('ada', 'wrong')).status).to.equal(403);
      expect(visitor.page).to.contain('The user name or the password is wrong.');
    }
    const response = await application.visitor({}, 1).signIn('ada', PASSWORD);
    expect(response.status).to.equal(429);
    expect(Number(response.headers.get('Retry-After'))).to.be.within(1, 300);
    expect((await visitor.signIn('grace', PASSWORD)).status).to.equal(303);
  });

  it('limits the attempts to sign in from one address, as anybody', async () => {
    const visitor = application.visitor();
    await visitor.get('/sign-in');
    const attempts = Array.from({ length: 101 }, (_, number) =>
      visitor.post('/sign-in', { name: `user-${number}`, password: 'wrong' }),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).to.have.length(100);
    expect(statuses.filter((status) => status === 429)).to.have.length(1);
  });

  it('does not count the mistakes before a sign-in', async () => {
    const visitor = application.visitor();
    for (let round = 0; round < 2; round += 1) {
      for (let attempt = 0; attempt < 9; attempt += 1) await visitor.signIn('ada', 'wrong');
      expect((await visitor.signIn('ada', PASSWORD)).status).to.equal(303);
      await visitor.post('/sign-out');
    }
  });

  it('shows what a browser sends as text', async () => {
    const visitor = application.visitor({ 'User-Agent': '<b>"Chrome"</b>/1' });
    await visitor.get('/sign-in');
    await visitor.post('/sign-in', { name: '"><script>', password: 'wrong' });
    expect(visitor.page).to.contain('value="&quot;&gt;&lt;script&gt;"');
    await visitor.signIn('<i>ada</i>', PASSWORD);
    expect(visitor.page).to.contain('Name of &lt;i&gt;ada&lt;/i&gt;').and.not.to.contain('<b>');
  });

  it('allows no script, frame or cache, and hides its cookies from scripts', async () => {
    const visitor = application.visitor();
    await visitor.get('/sign-in');
    const response = await visitor.post('/sign-in', { name: 'ada', password: PASSWORD });
    const policy = response.headers.get('Content-Security-Policy');
    expect(policy).to.contain("default-src 'none'").and.to.contain("frame-ancestors 'none'");
    expect(policy).to.not.contain('script-src').and.not.to.contain('unsafe');
    expect(response.headers.get('Cache-Control')).to.equal('no-store');
    expect(response.headers.get('X-Content-Type-Options')).to.equal('nosniff');
    expect(response.headers.get('Strict-Transport-Security')).to.equal(null);
    expect(response.headers.getSetCookie().join()).to.match(/^session=\S+; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('is unavailable, and signs nobody out, while the cache is', async () => {
    const visitor = application.visitor();
    await visitor.signIn('ada', PASSWORD);
    application.azure.refuseLogins();
    application.azure.dropConnections();

    const response = await visitor.get('/');
    expect(response.status).to.equal(503);
    expect(response.headers.get('Retry-After')).to.equal('5');
    expect(visitor.page).to.contain('You have not been signed out.');
    expect((await application.visitor().get('/style.css')).status).to.equal(200);

    application.azure.acceptLogins();
    await until(async () => (await visitor.get('/')).status === 200);
    expect(visitor.page).to.contain('Name of ada');
  });
});

describe('samples/sessions behind a proxy that terminates TLS', () => {
  let application: Application;

  beforeEach(async () => {
    application = await Application.start({ behindTlsProxy: true });
  });
  afterEach(() => application.stop());

  it('sets secure cookies for this host only, and shows the addresses of clients', async () => {
    const proxied = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '198.51.100.1, 203.0.113.7' };
    const visitor = application.visitor(proxied);
    await visitor.get('/sign-in');
    const response = await visitor.post('/sign-in', { name: 'ada', password: PASSWORD });
    expect(response.headers.getSetCookie().join()).to.match(
      /^__Host-session=\S+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(response.headers.get('Strict-Transport-Security')).to.match(/^max-age=\d{8}/);
    await visitor.get('/');
    expect(visitor.page).to.contain('203.0.113.7').and.not.to.contain('198.51.100.1');
  });
});
