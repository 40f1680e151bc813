import { expect } from 'chai';
import { Silence } from '../../lib/clients/silence.js';
import type { Command } from '../../lib/ioredis/client.js';
import type { VitalSigns } from '../../lib/ioredis/client-state.js';

const GET = { name: 'get' } as Command;

describe('the silence of a connection', () => {
  const socket = {};
  const signs: VitalSigns = { socket, bytesRead: 10, bytesUnsent: 0, awaited: GET, isMonitoring: false };

  /** The silence after these observations, each a second after the one before it. */
  function after(...observations: readonly (Partial<VitalSigns> | undefined)[]): number {
    const silence = new Silence();
    for (const observation of observations)
      silence.observe(observation && { ...signs, ...observation }, 1_000);
    return silence.duration;
  }

  it('begins with the first observation of a reply that is due', () => {
    expect(after({})).to.equal(0);
    expect(after({ awaited: undefined }, {})).to.equal(0);
    expect(after({}, {}, {})).to.equal(2_000);
  });

  it('ends with the first byte, even if the reply is not complete', () => {
    expect(after({}, {}, { bytesRead: 11 })).to.equal(0);
    expect(after({}, {}, { bytesRead: 11 }, { bytesRead: 11 })).to.equal(1_000);
  });

  it('ends while the server takes what waits to be sent', () => {
    expect(after({ bytesUnsent: 9 }, { bytesUnsent: 8 }, { bytesUnsent: 7 })).to.equal(0);
  });

  it('goes on while the server takes nothing, however much is to be sent', () => {
    expect(after({ bytesUnsent: 9 }, { bytesUnsent: 9 }, { bytesUnsent: 9 })).to.equal(2_000);
    // The buffer of the system takes bytes from a process whose server is gone, until it is full.
    expect(after({ bytesUnsent: 0 }, { bytesUnsent: 9 })).to.equal(1_000);
  });

  it('means nothing where no reply is due', () => {
    expect(after({ awaited: undefined }, { awaited: undefined }, { awaited: undefined })).to.equal(0);
    expect(after(undefined, undefined)).to.equal(0);
  });

  it('is that of MONITOR, where no reply is due', () => {
    const monitoring = { awaited: undefined, isMonitoring: true };
    expect(after(monitoring, monitoring)).to.equal(1_000);
  });

  it('begins anew with each connection', () => {
    expect(after({}, {}, { socket: {} })).to.equal(0);
    expect(after({}, {}, undefined, {})).to.equal(0);
  });
});
