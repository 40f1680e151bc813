import { HttpServer } from '../support/http-server.js';
import { expect } from 'chai';
import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import { Redis } from 'ioredis';
import { configureForAzure } from 'ioredis-azure';
import { AzureRedisEmulator } from 'ioredis-azure/emulator';
import { keysOf } from '../../../samples/sessions/session/session-id.js';
import { SessionStore, type SessionTimeouts } from '../../../samples/sessions/session/session-store.js';
import type { Ticket } from '../../../samples/sessions/session/ticket.js';
import { until } from '../../support/waiting.js';
import { Visitor } from './support/visitor.js';

const MINUTE = 60_000;

type Change = Parameters<SessionStore['update']>[1];

describe('samples/sessions, its store', () => {
  let azure: AzureRedisEmulator;
  let redis: Redis;
  let store: SessionStore;
  let server: HttpServer;
  let visitor: Visitor;
  let errors: Error[];
  /** What the request to change the session does. */
  let change: Change;

  before(async () => {
    azure = await AzureRedisEmulator.start({ tokenLifetime: 3_000 });
    redis = new Redis(await configureForAzure(azure.options));
  });
  after(async () => {
    redis.disconnect();
    await azure.stop();
  });

  beforeEach(async () => {
    await start({ idle: MINUTE, absolute: 10 * MINUTE });
  });
  afterEach(() => server.close());

  /** A small application on the store, which answers with the names of errors. */
  async function start(timeouts: SessionTimeouts): Promise<void> {
    errors = [];
    store = new SessionStore({ redis, prefix: '', timeouts, secret: 'a secret' });
    const app = express();
    // Otherwise Express prints the errors that are expected here.
    app.set('env', 'test');
    app.use(
      session({
        store,
        genid: store.newId,
        secret: 'a secret',
        name: 'session',
        resave: false,
        saveUninitialized: false,
      }),
    );
    app.post('/sign-in', async (request, response) => {
      await store.start(request, newTicket(timeouts.absolute));
      response.end();
    });
    app.post('/use', async (request, response) => {
      const { ticket } = request.session;
      response.send(String(ticket && (await store.renew(request.sessionID, ticket, { at: 0, address: '' }))));
    });
    app.post('/change', async (request, response) => {
      await store.update(request, change);
      response.send('saved');
    });
    app.post('/careless', (request, response) => {
      request.session.basket = 7;
      response.send('not saved');
    });
    app.get('/basket', (request, response) => {
      response.send(String(request.session.basket));
    });
    const answer: ErrorRequestHandler = (error: Error, _request, response, next) => {
      errors.push(error);
      if (response.headersSent) next(error);
      else response.send(error.constructor.name);
    };
    app.use(answer);
    server = await HttpServer.listen(app);
    visitor = new Visitor(server.url);
    await visitor.post('/sign-in');
  }

  const add: Change = (changed) => {
    changed.basket = (changed.basket ?? 0) + 1;
  };

  async function post(path: string): Promise<string> {
    return (await visitor.post(path)).text();
  }

  async function basket(): Promise<string> {
    return (await visitor.get('/basket')).text();
  }

  function keys(): ReturnType<typeof keysOf> {
    return keysOf('', visitor.sessionId);
  }

  /** How many SET commands the server has got: each attempt to acquire a lock is one. */
  async function setCommands(): Promise<number> {
    return Number(/cmdstat_set:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
  }

  /** When Redis ends the session, at the earliest and at the latest, in ms since 1970. */
  async function expiry(): Promise<{ earliest: number; latest: number }> {
    const before = Date.now();
    const left = await redis.pttl(keys().session);
    return { earliest: before + left, latest: Date.now() + left };
  }

  describe('a change', () => {
    it('is saved before the request goes on, and its lock is released', async () => {
      change = add;
      expect(await post('/change')).to.equal('saved');
      expect(await basket()).to.equal('1');
      expect(await redis.exists(`mutex:${keys().lock}`)).to.equal(0);
    });

    it('waits for the one before', async () => {
      const order: string[] = [];
      let proceed: () => void = () => undefined;
      const isHeld = new Promise<void>((resolve) => {
        change = async () => {
          order.push('first begins');
          const wait = new Promise<void>((go) => (proceed = go));
          resolve();
          await wait;
          order.push('first ends');
        };
      });
      const first = post('/change');
      await isHeld;
      change = () => {
        order.push('second');
      };
      const second = post('/change');
      const attempts = await setCommands();
      await until(async () => (await setCommands()) > attempts + 1);
      proceed();
      expect([await first, await second]).to.deep.equal(['saved', 'saved']);
      expect(order).to.deep.equal(['first begins', 'first ends', 'second']);
    });

    it('saves nothing once its lock is that of another', async () => {
      change = async (changed) => {
        await add(changed);
        // As when the process has halted for longer than the lock lives.
        await redis.set(`mutex:${keys().lock}`, 'the next holder', 'PX', MINUTE);
      };
      expect(await post('/change')).to.equal('SessionBusyError');
      expect(await redis.get(`mutex:${keys().lock}`)).to.equal('the next holder');
      expect(errors).to.have.length(1);
      await redis.del(`mutex:${keys().lock}`);
      expect(await basket()).to.equal('0');
    });

    it('is refused outside of update()', async () => {
      // express-session saves as the response ends: whether it arrives as a whole is left to chance.
      await post('/careless').catch(() => '');
      await until(() => errors.length > 0);
      expect(errors.map(({ message }) => message)).to.deep.equal([
        'A session is changed within SessionStore.update() only.',
      ]);
      expect(await basket()).to.equal('0');
    });

    it('saves nothing when it throws', async () => {
      change = async (changed) => {
        await add(changed);
        throw new RangeError();
      };
      expect(await post('/change')).to.equal('RangeError');
      expect(errors).to.have.length(1);
      expect(await basket()).to.equal('0');
      change = add;
      expect(await post('/change')).to.equal('saved');
    });

    it('does not bring a session back that was ended meanwhile', async () => {
      change = async (changed) => {
        await add(changed);
        await redis.del(keys().session);
      };
      expect(await post('/change')).to.equal('SessionEndedError');
      expect(await redis.exists(keys().session)).to.equal(0);
      expect(await post('/use')).to.equal('undefined');
    });
  });

  describe('a session', () => {
    it('ends later each time that it is used', async () => {
      const { latest } = await expiry();
      await until(async () => {
        expect(await post('/use')).to.equal('true');
        return (await expiry()).earliest > latest;
      });
    });

    it('never ends later than at its absolute timeout', async () => {
      await server.close();
      await start({ idle: 10 * MINUTE, absolute: MINUTE });
      expect(await post('/use')).to.equal('true');
      expect(await redis.pttl(keys().session)).to.be.within(1, MINUTE);
      // The list of the user's sessions ends with the last of them.
      expect(await redis.pttl(keys().index)).to.be.within(1, MINUTE);
    });

    for (const [what, text] of Object.entries({
      'bad JSON': '{"ticket":',
      'no object': '7',
      'an older schema': '{"cookie":{"path":"/"},"user":"ada"}',
      'a ticket of an older schema': '{"cookie":{"path":"/"},"ticket":{"userId":"ada","expiresAt":9e15}}',
      'no cookie': JSON.stringify({ ticket: newTicket(MINUTE) }),
    })) {
      it(`that cannot be read counts as signed out: ${what}`, async () => {
        await redis.set(keys().session, text, 'PX', MINUTE);
        expect(await post('/use')).to.equal('undefined');
        await visitor.post('/sign-in');
        expect(await post('/use')).to.equal('true');
        expect(errors).to.deep.equal([]);
      });
    }

    it('is not renewed once it has ended', async () => {
      await redis.del(keys().session);
      const ticket = newTicket(MINUTE);
      expect(await store.renew(visitor.sessionId, ticket, { at: 0, address: '' })).to.equal(false);
      expect(await redis.exists(keys().session)).to.equal(0);
    });
  });
});

function newTicket(lifetime: number): Ticket {
  const signedInAt = Date.now();
  return {
    userId: 'ada',
    displayName: '',
    claims: {},
    signedInAt,
    expiresAt: signedInAt + lifetime,
    userAgent: '',
    address: '',
  };
}
