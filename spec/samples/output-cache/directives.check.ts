import { expect } from 'chai';
import { Cache } from '../../support/cache.js';
import { optionsFor } from '../../support/token-options.js';
import { CachedApplication, counting } from '../support/cached-application.js';

describe('samples/output-cache: directives', () => {
  const cache = Cache.forAll();
  let application: CachedApplication;

  async function start(headers?: Record<string, string>): Promise<void> {
    // Each has its own responses in the cache that they share.
    const namespace = `cache-${Math.random()}`;
    application = await CachedApplication.start(optionsFor(cache.azure, {}), counting(headers), {
      namespace,
    });
  }

  afterEach(() => application.stop());

  it('serve a fresh response out of the cache, with its age', async () => {
    await start();
    expect(await application.get('/')).to.include({ body: 'call 1', cacheStatus: 'fwd=miss' });
    const hit = await application.get('/');
    expect(hit).to.include({ status: 200, body: 'call 1', cacheStatus: 'hit' });
    expect(hit.headers.age).to.match(/^\d+$/);
    expect(hit.headers['content-type']).to.equal('text/html; charset=utf-8');
    expect(await application.get('/other')).to.include({ body: 'call 2' });
  });

  for (const [why, headers] of Object.entries({
    'no-store': { 'Cache-Control': 'no-store' },
    private: { 'Cache-Control': 'private, max-age=60' },
    'no-cache': { 'Cache-Control': 'no-cache, max-age=60' },
    's-maxage of 0': { 'Cache-Control': 's-maxage=0, max-age=60' },
    'no lifetime': { 'Cache-Control': 'public' },
    'a cookie': { 'Set-Cookie': 'session=1' },
    'Vary: *': { Vary: '*' },
  })) {
    it(`do not store a response with ${why}`, async () => {
      await start(headers);
      await application.get('/');
      expect(await application.get('/')).to.include({ body: 'call 2', cacheStatus: 'fwd=miss' });
    });
  }

  it('store a response with must-revalidate, which is served while it is fresh', async () => {
    await start({ 'Cache-Control': 'public, max-age=60, must-revalidate' });
    await application.get('/');
    const hit = await application.get('/');
    expect(hit).to.include({ body: 'call 1', cacheStatus: 'hit' });
    expect(hit.headers['cache-control']).to.equal('public, max-age=60, must-revalidate');
  });

  it('store the response to a request with Authorization only if it is public', async () => {
    await start();
    await application.get('/', { Authorization: 'Bearer secret' });
    expect(await application.get('/')).to.include({ body: 'call 2' });
    await application.stop();
    await start({ 'Cache-Control': 'public, max-age=60', Vary: 'Accept' });
    await application.get('/', { Authorization: 'Bearer secret' });
    expect(await application.get('/')).to.include({ body: 'call 1', cacheStatus: 'hit' });
    const keys = await cache.azure.server.call('KEYS', 'cache-*');
    for (const key of [keys].flat().map(String)) {
      if ((await cache.azure.server.call('TYPE', key)) !== 'hash') continue;
      expect(String(await cache.azure.server.call('HGET', key, 'meta'))).not.to.contain('secret');
    }
  });

  it('compute anew for a request with no-cache, and store the result', async () => {
    await start();
    await application.get('/');
    const headers = { 'Cache-Control': 'no-cache' };
    expect(await application.get('/', headers)).to.include({ body: 'call 2', cacheStatus: 'fwd=request' });
    expect(await application.get('/')).to.include({ body: 'call 2', cacheStatus: 'hit' });
  });

  it('neither use nor store anything for a request with no-store', async () => {
    await start();
    await application.get('/');
    const headers = { 'Cache-Control': 'no-store' };
    expect(await application.get('/', headers)).to.include({ body: 'call 2', cacheStatus: 'fwd=bypass' });
    expect(await application.get('/')).to.include({ body: 'call 1', cacheStatus: 'hit' });
  });

  it('answer a request with only-if-cached out of the cache, or with 504', async () => {
    await start();
    const headers = { 'Cache-Control': 'only-if-cached' };
    expect(await application.get('/', headers)).to.include({ status: 504 });
    await application.get('/');
    expect(await application.get('/', headers)).to.include({ status: 200, body: 'call 1' });
    expect(application.computations).to.equal(1);
  });

  it('serve a response only for the headers that Vary names', async () => {
    await start({ Vary: 'Accept-Language, X-Unit' });
    const german = { 'Accept-Language': 'de', 'X-Other': '1' };
    await application.get('/', german);
    await application.get('/', { 'Accept-Language': 'fr' });
    expect(await application.get('/', { ...german, 'X-Other': '2' })).to.include({ body: 'call 1' });
    expect(await application.get('/', { 'Accept-Language': 'fr' })).to.include({ body: 'call 2' });
    expect(await application.get('/', { ...german, 'X-Unit': 'mm' })).to.include({ body: 'call 3' });
  });

  it('answer 304 for a known ETag, out of the cache and when the response is computed', async () => {
    await start({ ETag: '"v1"' });
    const headers = { 'If-None-Match': '"v0", "v1"' };
    const computed = await application.get('/', headers);
    expect(computed).to.include({ status: 304, body: '', cacheStatus: 'fwd=miss' });
    expect(application.seen).not.to.have.property('if-none-match');
    const cached = await application.get('/', headers);
    expect(cached).to.include({ status: 304, body: '', cacheStatus: 'hit' });
    expect(cached.headers.etag).to.equal('"v1"');
    expect(cached.headers).not.to.have.property('content-type');
    expect(await application.get('/', { 'If-None-Match': '"v2"' })).to.include({
      status: 200,
      body: 'call 1',
    });
  });

  it('answer HEAD out of the cache of GET', async () => {
    await start();
    await application.get('/');
    const head = await application.get('/', {}, 'HEAD');
    expect(head).to.include({ status: 200, body: '', cacheStatus: 'hit' });
    expect(head.headers['content-length']).to.equal('6');
  });
});
