import { expect } from 'chai';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { SampleProcess } from '../support/sample-process.js';
import { AzureEnvironment } from './support/azure-environment.js';
import { next, past } from '../support/waiting.js';

const PATH = 'samples/express/main.ts';
const RE_AUTHENTICATED = /"msg":"re-authenticated"/;

describe('samples/express', () => {
  let sample: SampleProcess;
  let url: string;

  beforeEach(async () => {
    sample = new SampleProcess(PATH, ['--listen', '0']);
    url = await sample.printed(/"url":"([^"]+)"/);
  });

  afterEach(() => sample.stop());

  it('answers every request across token expiries, on one connection', async () => {
    const first = await readiness(url);
    const expiry = new Date(first.token.expiresOn);
    let visits = 0;
    while (Date.now() <= expiry.getTime()) {
      visits += 1;
      expect(await addVisit(url)).to.equal(visits);
    }
    await past(expiry);
    await sample.printed(RE_AUTHENTICATED, 2);

    expect(await addVisit(url)).to.equal(visits + 1);
    const last = await readiness(url);
    expect(last.status).to.equal('ready');
    expect(new Date(last.token.expiresOn)).to.be.above(expiry);
    expect(last.connections).to.deep.equal(first.connections).and.have.length(1);
    expect(sample.output).not.to.contain('connection lost');
  });

  it('streams the visits of a page across token expiries', async () => {
    const response = await fetch(`${url}/pages/home/visits/events`);
    const events = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await sample.printed(RE_AUTHENTICATED, 2);
    await addVisit(url);
    expect(await events?.read()).to.deep.equal({ done: false, value: 'data: 1\n\n' });

    sample.signal('SIGTERM');
    expect(await events?.read()).to.deep.equal({ done: true, value: undefined });
    expect(await sample.exitCode()).to.equal(0);
  });

  it('answers the requests in flight before it stops', async () => {
    const headers = { 'Content-Type': 'application/json', Expect: '100-continue' };
    const request = httpRequest(`${url}/pages/home/visits`, { method: 'PUT', headers });
    request.flushHeaders();
    await once(request, 'continue');

    sample.signal('SIGTERM');
    await sample.printed(/"msg":"stopping"/);
    const answered = next<IncomingMessage>(request, 'response');
    request.end('{"visits":7}');
    const response = await answered;

    expect(response.statusCode).to.equal(200);
    expect(response.headers.connection).to.equal('close');
    expect(await text(response)).to.equal('{"page":"home","visits":7}');
    expect(await sample.exitCode()).to.equal(0);
    await sample.printed(/"msg":"stopped"/);
  });

  it('answers what cannot be served with problem details', async () => {
    const unknown = await fetch(`${url}/nowhere`);
    expect(unknown.status).to.equal(404);
    expect(unknown.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8');
    const malformed = await fetch(`${url}/pages/home/visits`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"visits":',
    });
    expect(await malformed.json()).to.deep.equal({
      title: 'Bad Request',
      status: 400,
      detail: 'The request is not valid.',
    });
  });
});

describe('samples/express: a cache that cannot be reached', () => {
  it('takes the service out of rotation, and is no reason to restart it', async () => {
    const environment = await AzureEnvironment.start(3_600_000);
    try {
      const sample = environment.run(PATH, '--listen', '0');
      const url = await sample.printed(/"url":"([^"]+)"/);
      await environment.azure.stop();
      await sample.printed(/"msg":"connection lost"/);

      expect((await fetch(`${url}/health/ready`)).status).to.equal(503);
      expect((await fetch(`${url}/health/live`)).status).to.equal(200);
      const response = await fetch(`${url}/pages/home/visits`);
      expect(response.status).to.equal(503);
      expect(response.headers.get('retry-after')).to.equal('5');
      expect(await response.json()).to.deep.equal({
        title: 'Service Unavailable',
        status: 503,
        detail: 'The store of visits is unavailable.',
      });

      sample.signal('SIGTERM');
      expect(await sample.exitCode()).to.equal(0);
    } finally {
      await environment.stop();
    }
  });
});

interface Readiness {
  readonly status: string;
  readonly token: { readonly expiresOn: string };
  readonly connections: readonly unknown[];
}

async function readiness(url: string): Promise<Readiness> {
  const response = await fetch(`${url}/health/ready`);
  return (await response.json()) as Readiness;
}

async function addVisit(url: string): Promise<number> {
  const response = await fetch(`${url}/pages/home/visits`, { method: 'POST' });
  const { visits } = (await response.json()) as { visits: number };
  return visits;
}
