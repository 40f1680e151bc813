import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import express, { type Express, type RequestHandler, type Response } from 'express';
import session from 'express-session';
import { Multiplexer } from '../../lib/index.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { OutputCache, type Policy } from '../../samples/output-cache/output-cache.js';
import { until } from '../support/waiting.js';
import { ask } from './support/ask.js';
import { HttpServer } from './support/http-server.js';

const MINUTE = { duration: 60_000 };

for (const [name, cluster] of [
  ['one server', undefined],
  ['a cluster', { masters: 3 }],
] as const) {
  describe(`samples/output-cache, on ${name}`, () => {
    let azure: AzureRedisEmulator;
    const multiplexers: Multiplexer[] = [];
    const servers: HttpServer[] = [];
    let states: string[];

    before(async () => {
      azure = await AzureRedisEmulator.start(cluster ? { cluster } : {});
    });
    after(() => azure.stop());

    beforeEach(() => {
      states = [];
    });
    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      await Promise.all(multiplexers.splice(0).map((multiplexer) => multiplexer.close()));
    });

    let prefixes = 0;

    /** A process of a service: a cache of its own, and a server. */
    async function serve(
      routes: (app: Express, cache: OutputCache) => void,
      prefix = `test-${(prefixes += 1)}:`,
    ) {
      const connect = async () => {
        const multiplexer = await Multiplexer.connect({ ...azure.options, commandTimeout: 250 });
        multiplexers.push(multiplexer);
        multiplexer.interactive.options.enableOfflineQueue = false;
        return multiplexer.interactive;
      };
      const report = (error?: unknown): void => void states.push(error === undefined ? 'up' : 'down');
      const cache = new OutputCache({ connect, prefix, report });
      const known = states.length;
      await until(() => states.length > known);
      const app = express();
      routes(app, cache);
      const server = await HttpServer.listen(app);
      servers.push(server);
      const get = async (path = '/', headers: Readonly<Record<string, string>> = {}) => {
        // The same service, whichever process answers.
        const options = { headers: { host: 'app.example', ...headers } };
        const answer = await ask(server.url + path, options);
        const cacheStatus = String(answer.headers['cache-status']).replace('output-cache; ', '');
        return { ...answer, cacheStatus };
      };
      return { cache, get, prefix };
    }

    /** A route that answers with the number of its calls. */
    async function counting(
      policy: Policy = MINUTE,
      respond: (response: Response, text: string) => void = (response, text) => response.send(text),
      earlier: RequestHandler[] = [],
    ) {
      let calls = 0;
      return serve((app, cache) => {
        for (const handler of earlier) app.use(handler);
        app.get('/{*path}', cache.output(policy), (_request, response) => {
          respond(response, `call ${(calls += 1)}`);
        });
      });
    }

    async function expectStored(
      { get }: Awaited<ReturnType<typeof counting>>,
      isStored: boolean,
      headers = {},
    ) {
      expect((await get('/', headers)).body).to.equal('call 1');
      // What is stored is stored after the response has been sent.
      if (isStored) await until(async () => (await get('/', headers)).cacheStatus === 'hit');
      else await sleep(50);
      expect((await get('/', headers)).body).to.equal(isStored ? 'call 1' : 'call 2');
    }

    it('serves a response again, with its headers and conditions', async () => {
      const app = await counting(MINUTE, (response, text) => {
        response.set({ 'Content-Type': 'text/x-report', 'X-Report': 'yes' }).send(text);
      });
      await expectStored(app, true);
      const hit = await app.get();
      expect(hit.headers).to.include({
        'content-type': 'text/x-report; charset=utf-8',
        'x-report': 'yes',
        age: '0',
      });
      const conditional = await app.get('/', { 'if-none-match': String(hit.headers.etag) });
      expect(conditional).to.include({ status: 304, body: '' });
    });

    it('evicts by tag, also what is being computed', async () => {
      let computing = new EventTarget();
      let version = 1;
      const { get, cache } = await serve((app, output) => {
        app.get(
          '/:name',
          output.output({ ...MINUTE, tags: ({ params }) => [`report:${String(params['name'])}`] }),
          async (_request, response) => {
            const read = version;
            computing.dispatchEvent(new Event('started'));
            await sleep(50);
            response.send(`version ${read}`);
          },
        );
      });
      expect((await get('/sales')).body).to.equal('version 1');
      await until(async () => (await get('/sales')).cacheStatus === 'hit');
      version = 2;
      await cache.evict('report:sales');
      const started = once(computing, 'started');
      const computed = get('/sales');
      await started;
      version = 3;
      await cache.evict('report:sales');
      expect((await computed).body).to.equal('version 2');
      expect((await get('/sales')).body).to.equal('version 3');
      computing = new EventTarget();
    });

    it('makes one computation of equal requests, in all processes', async () => {
      let calls = 0;
      const routes = (app: Express, cache: OutputCache): void => {
        app.get('/', cache.output(MINUTE), async (_request, response) => {
          calls += 1;
          await sleep(100);
          response.send('report');
        });
      };
      const one = await serve(routes);
      const other = await serve(routes, one.prefix);
      const answers = await Promise.all([one, one, one, other, other, other].map(({ get }) => get()));
      expect(answers.map(({ body }) => body)).to.deep.equal(Array(6).fill('report'));
      expect(calls).to.equal(1);
    });

    // What follows is the same on both.
    if (cluster) return;

    it('computes the whole response for a conditional request that misses', async () => {
      const app = await counting();
      expect(await app.get('/', { 'if-none-match': '*', range: 'bytes=0-1' })).to.include({
        status: 200,
        body: 'call 1',
      });
    });

    const withHeader =
      (name: string, value: string | string[]) =>
      (response: Response, text: string): void => {
        response.setHeader(name, value).send(text);
      };
    for (const [what, respond] of Object.entries({
      'a cookie': withHeader('Set-Cookie', 'id=1'),
      'Cache-Control: Private': withHeader('Cache-Control', 'Private'),
      'Cache-Control: NO-STORE': withHeader('Cache-Control', 'max-age=9, NO-STORE'),
      'two Vary of which the policy names one': withHeader('Vary', ['Accept', 'X-Tenant']),
      'Vary: *': withHeader('Vary', '*'),
      'a cookie that is given to writeHead()': (response: Response, text: string): void => {
        response.writeHead(200, { 'Set-Cookie': 'id=1' }).end(text);
      },
      'another status': (response: Response, text: string): void => {
        response.status(203).send(text);
      },
    })) {
      it(`never stores a response with ${what}`, async () => {
        await expectStored(await counting({ ...MINUTE, varyByHeader: ['Accept'] }, respond), false);
      });
    }

    it('never stores a response that is cut, or larger than 1 MiB', async () => {
      const large = 'x'.repeat(1024 * 1024);
      const app = await counting(MINUTE, (response, text) => {
        response.write(large);
        response.end(text);
      });
      expect((await app.get()).body).to.equal(`${large}call 1`);
      expect((await app.get()).body).to.equal(`${large}call 2`);
      const cut = await counting(MINUTE, (response, text) => {
        if (text === 'call 1') response.write(text, () => response.destroy());
        else response.send(text);
      });
      expect(await cut.get().catch(() => 'cut')).to.equal('cut');
      expect((await cut.get()).body).to.equal('call 2');
    });

    it('stores a response with two Vary headers that the policy names', async () => {
      const policy = { ...MINUTE, varyByHeader: ['Accept', 'X-Tenant'] };
      const app = await counting(policy, withHeader('Vary', ['Accept', 'x-tenant']));
      await expectStored(app, true);
      expect((await app.get('/', { 'x-tenant': 'other' })).body).to.equal('call 2');
    });

    it('never stores a response to a user of Passport', async () => {
      const passport: RequestHandler = (request, _response, go) => {
        Object.assign(request, { user: { id: 1 } });
        go();
      };
      await expectStored(await counting(MINUTE, undefined, [passport]), false);
    });

    it('never stores a response to a request with Authorization, and serves it none', async () => {
      const app = await counting();
      await expectStored(app, false, { authorization: 'Bearer one' });
      await app.get();
      await until(async () => (await app.get()).cacheStatus === 'hit');
      expect((await app.get('/', { authorization: 'Bearer two' })).cacheStatus).to.equal('fwd=bypass');
    });

    it('never stores a response of a session, and lets express-session save it', async () => {
      const { get } = await serve((app, cache) => {
        app.use(session({ secret: 'secret', resave: false, saveUninitialized: false }));
        app.get('/', cache.output(MINUTE), (request, response) => {
          const { session: mine } = request as unknown as { session: { visits?: number } };
          mine.visits = (mine.visits ?? 0) + 1;
          response.send(`visits ${mine.visits}`);
        });
      });
      const first = await get();
      const cookie = String(first.headers['set-cookie']?.[0]?.split(';')[0]);
      expect((await get('/', { cookie })).body).to.equal('visits 2');
      const stranger = await get();
      expect(stranger.body).to.equal('visits 1');
      expect(stranger.headers['set-cookie']?.[0]).not.to.contain(cookie);
    });

    it('leaves the headers of earlier middleware to each request', async () => {
      let requests = 0;
      const numbering: RequestHandler = (_request, response, go) => {
        response.set('X-Request-Id', String((requests += 1)));
        go();
      };
      const app = await counting(MINUTE, undefined, [numbering]);
      await expectStored(app, true);
      expect((await app.get()).headers['x-request-id']).to.equal(String(requests));
    });

    it('varies by the query parameters and values that the policy names', async () => {
      const app = await counting({
        ...MINUTE,
        varyByQuery: ['page'],
        varyBy: (request) => request.get('x-language') ?? '',
      });
      expect((await app.get('/?page=1&utm=a')).body).to.equal('call 1');
      await until(async () => (await app.get('/?utm=b&page=1')).cacheStatus === 'hit');
      expect((await app.get('/?page=2')).body).to.equal('call 2');
      expect((await app.get('/?page=1', { 'x-language': 'de' })).body).to.equal('call 3');
    });

    it('computes responses that must not be stored at once, not one after another', async () => {
      let running = 0;
      let most = 0;
      const { get } = await serve((app, cache) => {
        app.get('/', cache.output(MINUTE), async (_request, response) => {
          most = Math.max(most, (running += 1));
          await sleep(50);
          running -= 1;
          response.cookie('id', '1').send('mine');
        });
      });
      await Promise.all(Array.from({ length: 6 }, () => get()));
      expect(most).to.be.at.least(5);
    });
  });
}
