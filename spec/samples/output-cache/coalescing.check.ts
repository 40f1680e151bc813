import { expect } from 'chai';
import type { Request, Response } from 'express';
import { tagResponse } from '../../../samples/output-cache/cache/tags.js';
import { Cache } from '../../support/cache.js';
import { optionsFor } from '../../support/token-options.js';
import { until } from '../../support/waiting.js';
import { CachedApplication, counting } from '../support/cached-application.js';

/** Handlers that respond when they are told to. */
class Origin {
  readonly waiting: Response[] = [];
  readonly handler = (_request: unknown, response: Response): void => {
    this.waiting.push(response);
  };

  /** Has all that wait respond. */
  respond(body: string, cacheControl = 'max-age=60'): void {
    for (const response of this.waiting.splice(0)) {
      tagResponse(response, 'page');
      response.set('Cache-Control', cacheControl).send(body);
    }
  }
}

describe('samples/output-cache: equal requests', () => {
  const cache = Cache.forAll();
  let origin: Origin;
  let namespace: string;
  let applications: CachedApplication[];

  beforeEach(() => {
    origin = new Origin();
    namespace = `cache-${Math.random()}`;
    applications = [];
  });

  afterEach(() => Promise.all(applications.map((application) => application.stop())));

  async function start(
    lockTimeout = 30_000,
    handler: (request: Request, response: Response) => unknown = origin.handler,
  ): Promise<CachedApplication> {
    const application = await CachedApplication.start(optionsFor(cache.azure, {}), handler, {
      namespace,
      lockTimeout,
    });
    applications.push(application);
    return application;
  }

  it('make one computation in one process', async () => {
    const application = await start();
    const answers = Promise.all(Array.from({ length: 20 }, () => application.get('/')));
    await until(() => application.requests === 20 && origin.waiting.length === 1);
    origin.respond('once');
    for (const { body } of await answers) expect(body).to.equal('once');
    expect(application.computations).to.equal(1);
  });

  it('make one computation in two processes', async () => {
    const [first, second] = [await start(), await start()];
    const answers = Promise.all([first, second, first, second].map((application) => application.get('/')));
    await until(() => first.requests + second.requests === 4 && origin.waiting.length === 1);
    origin.respond('once');
    const statuses = [];
    for (const { body, cacheStatus } of await answers) {
      expect(body).to.equal('once');
      statuses.push(cacheStatus);
    }
    expect(first.computations + second.computations).to.equal(1);
    expect(statuses.filter((status) => status === 'fwd=miss')).to.have.length(1);
  });

  it('compute for themselves when the response may not be stored', async () => {
    const application = await start();
    const answers = Promise.all([application.get('/'), application.get('/'), application.get('/')]);
    await until(() => application.requests === 3 && origin.waiting.length === 1);
    origin.respond('private', 'private');
    await until(() => origin.waiting.length === 2);
    origin.respond('private', 'private');
    await answers;
    expect(application.computations).to.equal(3);
    // From now on they do not wait for one another.
    const more = Promise.all([application.get('/'), application.get('/')]);
    await until(() => origin.waiting.length === 2);
    origin.respond('private', 'private');
    await more;
  });

  it('compute again when a process takes too long, whose late response is not stored', async () => {
    const [slow, other] = [await start(500), await start()];
    const late = slow.get('/');
    await until(() => origin.waiting.length === 1);
    const [waiting] = origin.waiting.splice(0);
    const soon = other.get('/');
    await until(() => origin.waiting.length === 1);
    origin.respond('new');
    expect(await soon).to.include({ body: 'new', cacheStatus: 'fwd=miss' });
    waiting?.set('Cache-Control', 'max-age=60').send('old');
    expect(await late).to.include({ body: 'old' });
    expect(await other.get('/')).to.include({ body: 'new', cacheStatus: 'hit' });
  });

  it('do not get a response whose tag is evicted while it is computed', async () => {
    const [first, second] = [await start(), await start()];
    const early = first.get('/');
    await until(() => origin.waiting.length === 1);
    expect(await second.cache.evict('page')).to.equal(true);
    const late = Promise.all([first.get('/'), second.get('/')]);
    await until(() => first.requests + second.requests === 3);
    origin.respond('old');
    await until(() => origin.waiting.length === 1);
    origin.respond('new');
    expect(await early).to.include({ body: 'old' });
    for (const { body } of await late) expect(body).to.equal('new');
    expect(first.computations + second.computations).to.equal(2);
  });

  it('are computed again after an eviction, in every process', async () => {
    const tagged = counting();
    const [first, second] = await Promise.all(
      [0, 1].map(() =>
        start(30_000, (request, response) => {
          tagResponse(response, 'page', `page:${request.originalUrl}`);
          void tagged(request, response);
        }),
      ),
    );
    if (!first || !second) throw new Error('not started');
    await first.get('/a');
    await first.get('/b');
    await first.cache.evict('page:/a');
    expect(await second.get('/a')).to.include({ body: 'call 3', cacheStatus: 'fwd=miss' });
    expect(await second.get('/b')).to.include({ body: 'call 2', cacheStatus: 'hit' });
    await second.cache.evict('page');
    expect(await first.get('/a')).to.include({ body: 'call 4' });
    expect(await first.get('/b')).to.include({ body: 'call 5' });
    expect(await second.get('/b')).to.include({ body: 'call 5', cacheStatus: 'hit' });
  });
});
