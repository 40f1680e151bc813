import { expect } from 'chai';
import sinon from 'sinon';
import { TokenCycle } from '../../lib/credentials/token-cycle.js';
import { TokenRequestError } from '../../lib/identities/identity-errors.js';
import { Token } from '../../lib/credentials/token.js';
import { meanOf, peakOf, steadyState } from '../../bench/simulation/arithmetic.js';
import { simulateFleet, simulateProcess, type FleetSettings } from '../../bench/simulation/fleet.js';
import { simulationSettingsOf } from '../../bench/simulation/settings.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const FLEET: FleetSettings = {
  processes: 1_000,
  clients: 10,
  duration: 24 * HOUR,
  deployment: 10 * MINUTE,
  lifetime: [60 * MINUTE, 90 * MINUTE],
  expirationRefreshRatio: 0.75,
  retry: { minTimeout: 500, maxTimeout: MINUTE, factor: 2, randomize: true },
};

describe('the simulation of a fleet', () => {
  it('agrees with the arithmetic of the steady state', () => {
    const { tokenRequests, auths, handshakes } = simulateFleet(FLEET);
    const steady = steadyState(FLEET.processes, FLEET.clients, FLEET.lifetime, 0.75);
    const [from, to] = [(6 * HOUR) / 1_000, (24 * HOUR) / 1_000];
    expect(meanOf(tokenRequests, from, to)).to.be.closeTo(steady.tokenRequests, steady.tokenRequests * 0.02);
    expect(meanOf(auths, from, to)).to.be.closeTo(steady.auths, steady.auths * 0.02);
    expect(peakOf(handshakes, from, to)).to.equal(0);
  });

  it('opens every connection once at the deployment, and once after a failover', () => {
    const { handshakes } = simulateFleet({ ...FLEET, failoverAt: 12 * HOUR });
    const noon = (12 * HOUR) / 1_000;
    expect(meanOf(handshakes, 0, 600) * 600).to.equal(10_000);
    expect(peakOf(handshakes, noon, noon + 1)).to.equal(10_000);
  });

  it('opens every connection once after an outage that outlasts the tokens, and none during it', () => {
    const outage = { from: 12 * HOUR, to: 14 * HOUR };
    const { auths, handshakes, tokenRequests } = simulateFleet({ ...FLEET, outage });
    const [from, to] = [outage.from / 1_000, outage.to / 1_000];
    // The AUTHs of refreshes just before the outage are spread over a minute.
    expect(peakOf(auths, from + 60, to)).to.equal(0);
    expect(peakOf(handshakes, from, to)).to.equal(0);
    expect(meanOf(handshakes, to, to + 60) * 60).to.equal(10_000);
    expect(peakOf(tokenRequests, from, to)).to.be.at.most(FLEET.processes);
  });

  describe('of one process', () => {
    afterEach(() => {
      sinon.restore();
    });

    it('requests tokens when the real token cycle does, also during an outage', async () => {
      sinon.stub(Math, 'random').returns(0.5);
      const clock = sinon.useFakeTimers({ now: 1_000_000 });
      const outage = { from: 3 * HOUR, to: 5 * HOUR };
      const settings = { ...FLEET, duration: 8 * HOUR, outage };
      const simulated = simulateProcess(settings, 0);

      const real: number[] = [];
      const request = (): Promise<Token> => {
        const now = Date.now() - 1_000_000;
        real.push(now);
        if (now >= outage.from && now < outage.to) {
          const failure = { permanent: false, hint: '' };
          return Promise.reject(new TokenRequestError('down', failure, new Error('down')));
        }
        const details = { username: 'me', acquiredOn: Date.now(), expiresOn: Date.now() + 75 * MINUTE };
        return Promise.resolve(new Token(`token ${real.length}`, details));
      };
      const cycle = await TokenCycle.start(request, {
        expirationRefreshRatio: 0.75,
        acquireTimeout: 10_000,
        retry: { ...FLEET.retry, retries: 4 },
      });
      cycle.start();
      await clock.tickAsync(settings.duration);
      cycle.stop();

      expect(simulated.length).to.be.greaterThan(100);
      // Timers count whole milliseconds, so the real one may fall behind by one for each attempt.
      expect(real.length).to.be.closeTo(simulated.length, simulated.length * 0.01);
      for (const [index, time] of simulated.slice(0, 20).entries())
        expect(real[index]).to.be.closeTo(time, 100);
    });
  });
});

describe('the command line of the simulation', () => {
  it('has defaults', () => {
    expect(simulationSettingsOf([])).to.deep.equal({ processes: 10_000, clients: 10, outage: 120 * MINUTE });
  });

  it('shows the usage on demand', () => {
    expect(simulationSettingsOf(['--help'])).to.equal(undefined);
  });

  for (const args of [
    ['--processes', '0'],
    ['--clients', 'ten'],
    ['--outage', '301'],
    ['--outage', ''],
  ]) {
    it(`rejects ${args.join(' ')} with a sentence`, () => {
      expect(() => simulationSettingsOf(args)).to.throw(/^--\w+ must be a whole number from \d+ to \d+, got/);
    });
  }
});
