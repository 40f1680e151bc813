import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { AzureEnvironment } from './support/azure-environment.js';
import { SAMPLES } from './support/copies.js';
import { Visitor } from './sessions/support/visitor.js';
import { SampleRun, type SampleKind } from './support/sample-run.js';

/** Refreshed after 4.5 s: what is left is enough while the processors are busy with the start of the samples. */
const TOKEN_LIFETIME = 6_000;
const OUTAGE = 5_000;
/** As many as two processors run without being late for the expiry of a token. Hence one kind of cache after the other, too. */
const AT_ONCE = 5;

const KINDS: readonly SampleKind[] = [
  { name: 'main-job', ready: /Logged in/, works: /\+/, end: /Commands \d+, failures \d+/ },
  { name: 'connect', ready: /Logged in/, works: /\+/, end: /Commands \d+/, exitCodes: [0, 1] },
  // What was added in all that time has been run.
  { name: 'bullmq', ready: /re-authenticated/, end: /Lost 0, /, stopsWithin: 16_000 },
  { name: 'socket.io', ready: /are in a room/, works: /\+/, end: /Messages \d+/ },
  { name: 'azure-functions', ready: /\+/, works: /\+/, end: /Invocations \d+/ },
  {
    name: 'express',
    ready: /"url":"([^"]+)"/,
    load: ['POST', '/pages/home/visits'],
    health: '/health/ready',
  },
  {
    name: 'fastify',
    ready: /listening at (http[^"\s]+)/i,
    load: ['POST', '/visits/home'],
    health: '/health',
  },
  { name: 'nestjs', ready: /POST (http\S+)\/visits/, load: ['POST', '/visits/home'], health: '/health' },
  { name: 'session', ready: /(http\S+) counts/, load: ['GET', '/'], withoutCache: 500 },
  {
    name: 'sessions',
    ready: /Open (\S+)/,
    load: ['GET', '/'],
    async headers(url, sample) {
      const visitor = new Visitor(url);
      await visitor.signIn('ada', await sample.printed(/Password: (\S+)/));
      return { Cookie: visitor.cookieHeader };
    },
  },
  {
    name: 'rate-limit',
    args: ['--points', '1000000'],
    ready: /(http\S+)\/api/,
    load: ['GET', '/api/time'],
    withoutCache: 200,
    usesCache: (_answer, output) =>
      output.lastIndexOf('no connection to the cache') <= output.lastIndexOf('counted in the cache'),
  },
  {
    name: 'output-cache',
    args: ['--computation', '1'],
    ready: /(http\S+)\/reports/,
    load: ['GET', '/reports/sales'],
    withoutCache: 200,
    usesCache: (answer) => answer.includes('output-cache; hit'),
  },
  {
    name: 'opentelemetry',
    ready: /(http\S+)\/metrics/,
    load: ['GET', '/metrics'],
    withoutCache: 200,
    usesCache: (answer) => /connections\{[^}]*status="ready"[^}]*\} [1-9]/.test(answer),
  },
];

describe('samples that were copied', () => {
  it('are all of the samples', () => {
    expect(KINDS.map(({ name }) => name)).to.have.members(SAMPLES);
  });

  for (const [cache, cluster] of [
    ['one server', undefined],
    ['a cluster', { masters: 3 }],
  ] as const) {
    for (let first = 0; first < KINDS.length; first += AT_ONCE) {
      const kinds = KINDS.slice(first, first + AT_ONCE);
      const names = kinds.map(({ name }) => name);

      it(`live through expiries, lost connections, an outage and SIGTERM on ${cache}: ${names.join(', ')}`, async () => {
        const environment = await AzureEnvironment.start(TOKEN_LIFETIME, cluster);
        const { azure } = environment;
        const runs = kinds.map((kind) => new SampleRun(environment, kind));
        try {
          const all = <Result>(act: (run: SampleRun) => Promise<Result>): Promise<Result[]> =>
            Promise.all(runs.map(act));
          await all((run) => run.start());
          // Each token that has been used by now expires.
          await sleep(TOKEN_LIFETIME);
          await all((run) => run.works());
          expect(azure.statistics.evictions, 'evictions').to.deep.equal([]);
          for (const { kind, statuses, failures } of runs) {
            expect(
              [...statuses.keys()].filter((status) => status >= 300),
              kind.name,
            ).to.deep.equal([]);
            expect(failures, kind.name).to.deep.equal([]);
          }

          azure.dropConnections();
          await all((run) => run.works());

          azure.refuseLogins();
          for (const end = Date.now() + OUTAGE; Date.now() < end;) {
            azure.dropConnections();
            await sleep(250);
          }
          const health = await all((run) => run.health());
          expect(
            health.filter((status) => status !== 0 && status !== 503),
            'health',
          ).to.deep.equal([]);
          azure.acceptLogins();
          await all((run) => run.works());
          await all(async (run) => {
            while (run.kind.health !== undefined && (await run.health()) !== 200) await sleep(50);
          });

          await all(async (run) => {
            const { kind } = run;
            const { exitCode, duration } = await run.stop();
            expect(exitCode, `${kind.name}: ${run.output}`).to.be.oneOf(kind.exitCodes ?? [0]);
            expect(duration, kind.name).to.be.below(kind.stopsWithin ?? 6_000);
            expect(run.failures, kind.name).to.deep.equal([]);
            const expected = [200, 201, kind.withoutCache ?? 503];
            expect(
              [...run.statuses.keys()].filter((status) => !expected.includes(status)),
              kind.name,
            ).to.deep.equal([]);
            if (kind.end) expect(run.output).to.match(kind.end);
            expect(run.output, kind.name).not.to.match(/eyJ|UnhandledPromise|\n {4}at .*unhandled/);
          });
        } finally {
          await Promise.all(runs.map((run) => run.stop()));
          await environment.stop();
        }
      });
    }
  }
});
