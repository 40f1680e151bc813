import { expect } from 'chai';
import { until } from '../support/waiting.js';
import { Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

for (const protocol of PROTOCOLS) {
  describe(`a lost connection with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach();

    it('is reported, and its restoration too', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const events: string[] = [];
      const restored = multiplexer.connections.length;
      multiplexer.on('connectionLost', ({ connection, endpoint }) => {
        expect(endpoint).to.equal(`localhost:${multiplexers.azure.port}`);
        events.push(`lost ${connection}`);
      });
      multiplexer.on('connectionRestored', ({ connection, gap }) => {
        expect(gap).to.be.at.least(0);
        events.push(`restored ${connection}`);
      });
      multiplexers.azure.dropConnections();
      await until(() => events.length === 2 * restored);
      const names = ['interactive', 'subscriber'];
      expect(events).to.have.members([
        ...names.map((name) => `lost ${name}`),
        ...names.map((name) => `restored ${name}`),
      ]);
      await multiplexer.publish('news', 'hello');
      await until(() => calls.length === 1);
      expect(multiplexer.status).to.equal('ready');
    });
  });
}
