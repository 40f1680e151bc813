import { expect } from 'chai';
import sinon from 'sinon';
import { EndpointHealth, type SilentConnection } from '../../lib/clients/endpoint-health.js';
import type { ProbeTarget } from '../../lib/clients/probe.js';

const TIMEOUT = 5_000;
const PERIOD = 1_000;

/** The server of the silent connections, as it answers probes. */
class Server {
  isAnswering = false;
  isUnreachable = false;
  /** How many connections probes have opened. */
  opened = 0;
  readonly #waiting: (() => void)[] = [];

  answer(): void {
    this.isAnswering = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  readonly createProbe = (): ProbeTarget => {
    this.opened += 1;
    const ask = (): Promise<void> =>
      this.isAnswering ? Promise.resolve() : new Promise((resolve) => void this.#waiting.push(resolve));
    return { isUnreachable: this.isUnreachable, open: ask, ping: ask, close: () => undefined };
  };
}

/** A connection that is silent from the start on. */
class Connection implements SilentConnection {
  readonly createProbe: () => ProbeTarget;
  readonly isAnsweredAtOnce: boolean;
  readonly hasAlternatives: boolean;
  silence = 0;
  fate: 'silent' | 'replaced' | 'abandoned' = 'silent';
  /** The reply comes over the new connection. */
  answered: () => void = () => undefined;

  constructor(server: Server, { isAnsweredAtOnce = true, hasAlternatives = false } = {}) {
    this.createProbe = server.createProbe;
    this.isAnsweredAtOnce = isAnsweredAtOnce;
    this.hasAlternatives = hasAlternatives;
  }

  get isOverdue(): boolean {
    return this.silence >= TIMEOUT;
  }

  replace(): Promise<void> {
    this.fate = 'replaced';
    return new Promise((resolve) => (this.answered = resolve));
  }

  abandon(): void {
    this.fate = 'abandoned';
  }
}

describe('the health of an endpoint', () => {
  let clock: sinon.SinonFakeTimers;
  let server: Server;
  let health: EndpointHealth;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    server = new Server();
    health = new EndpointHealth();
  });
  afterEach(() => {
    clock.restore();
  });

  /** Time passes, in which the connections that are still silent stay so. */
  async function pass(duration: number, connections: readonly Connection[]): Promise<void> {
    for (let passed = 0; passed < duration; passed += PERIOD) {
      const silent = connections.filter(({ fate }) => fate === 'silent');
      for (const connection of silent) connection.silence += PERIOD;
      health.review(silent, TIMEOUT, PERIOD);
      await clock.tickAsync(PERIOD);
    }
  }

  function fatesOf(connections: readonly Connection[]): string[] {
    return connections.map(({ fate }) => fate);
  }

  it('is asked over one connection, and a silent connection is replaced if that is answered', async () => {
    const connection = new Connection(server);
    server.answer();
    await pass(TIMEOUT - PERIOD, [connection]);
    expect(connection.fate).to.equal('silent');
    await pass(2 * PERIOD, [connection]);
    expect(connection.fate).to.equal('replaced');
    expect(server.opened).to.equal(1);
  });

  it('is bad while the server does not answer the probe either: nothing is replaced, and few probes are opened', async () => {
    const connections = Array.from({ length: 1_000 }, () => new Connection(server));
    await pass(30_000, connections);
    expect(new Set(fatesOf(connections))).to.deep.equal(new Set(['silent']));
    expect(server.opened).to.be.within(2, 5);
  });

  it('is not good at the first answer: connections that waited with the probe get their answers, too', async () => {
    const connection = new Connection(server);
    await pass(20_000, [connection]);
    server.answer();
    await pass(PERIOD, [connection]);
    expect(connection.fate).to.equal('silent');
  });

  it('spreads the replacements out', async () => {
    const connections = Array.from({ length: 1_000 }, () => new Connection(server));
    server.answer();
    await pass(TIMEOUT + PERIOD, connections);
    const replaced = (): number => fatesOf(connections).filter((fate) => fate === 'replaced').length;
    expect(replaced()).to.be.within(100, 200);
    await pass(10_000, connections);
    expect(replaced()).to.equal(1_000);
  });

  it('is tried with one replacement where the commands may be slow, and the others follow once that is answered', async () => {
    const connections = Array.from({ length: 50 }, () => new Connection(server, { isAnsweredAtOnce: false }));
    server.answer();
    await pass(TIMEOUT + 2 * PERIOD, connections);
    const replaced = connections.filter(({ fate }) => fate === 'replaced');
    expect(replaced).to.have.length(1);
    replaced[0]?.answered();
    await pass(2 * PERIOD, connections);
    expect(new Set(fatesOf(connections))).to.deep.equal(new Set(['replaced']));
  });

  it('is tried again after twice the time, as long as the commands are not answered on other connections', async () => {
    const connections = Array.from({ length: 50 }, () => new Connection(server, { isAnsweredAtOnce: false }));
    server.answer();
    await pass(30_000 + TIMEOUT, connections);
    expect(fatesOf(connections).filter((fate) => fate === 'replaced')).to.have.length(3);
  });

  it('is not awaited by the nodes of a cluster if the server cannot be reached', async () => {
    const node = new Connection(server, { hasAlternatives: true });
    const client = new Connection(server);
    server.isUnreachable = true;
    await pass(3 * TIMEOUT, [node, client]);
    expect(fatesOf([node, client])).to.deep.equal(['abandoned', 'silent']);
  });

  it('is not awaited for ever by the nodes of a cluster if the server does not answer', async () => {
    const node = new Connection(server, { hasAlternatives: true });
    await pass(29_000, [node]);
    expect(node.fate).to.equal('silent');
    await pass(2_000, [node]);
    expect(node.fate).to.equal('abandoned');
  });
});
