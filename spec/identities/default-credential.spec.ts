import { expect } from 'chai';
import { IdentityProcess } from './support/identity-process.js';

describe('no identity option (DefaultAzureCredential)', () => {
  it('says what can be set up when it finds nothing', async () => {
    const identity = new IdentityProcess({
      identity: { kind: 'default' },
      // The tools of developers alone: the others would look for a virtual machine's address.
      environment: { AZURE_TOKEN_CREDENTIALS: 'dev', PATH: '' },
      objectId: '',
    });
    try {
      const answer = await identity.ask();
      if ('token' in answer) throw new Error('expected an error');
      expect(answer.error.description.definite).to.equal(false);
      expect(answer.error.description.hint)
        .to.match(/az login/)
        .and.match(/managed identity/);
    } finally {
      await identity.stop();
    }
  });
});
