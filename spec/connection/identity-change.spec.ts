import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next, nextWhere } from '../support/waiting.js';

/** A credential in front of another one, which may be exchanged. */
class Exchangeable implements TokenCredential {
  behind: TokenCredential;

  constructor(behind: TokenCredential) {
    this.behind = behind;
  }

  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    return this.behind.getToken(scopes, options);
  }
}

describe('a managed identity that is created anew', () => {
  const cache = Cache.forEach({ tokenLifetime: 4_000 });

  for (const variant of VARIANTS) {
    it(`logs new connections in at once, live ones once their tokens end: ${variant.name}`, async () => {
      const [before, after] = [cache.azure.credential(), cache.azure.credential()];
      const credential = new Exchangeable(before);
      const options = await cache.configure({ credential });
      const { authenticator } = options;
      const client = await cache.connect(variant, options);
      await client.incr('count');
      const changed = next<AuthenticatorEvents['identityChanged'][0]>(authenticator, 'identityChanged');
      const recycled = nextWhere<AuthenticatorEvents['recycled'][0]>(
        authenticator,
        'recycled',
        ({ reason }) => reason === 'identity',
      );

      credential.behind = after;
      await authenticator.refresh();
      expect(await changed).to.deep.equal({ previous: before.oid, username: after.oid });
      const other = await cache.connect(variant, options);
      expect(await other.call('ACL', 'WHOAMI')).to.equal(after.oid);
      expect(await client.call('ACL', 'WHOAMI'), 'the live connection goes on').to.equal(before.oid);

      await recycled;
      expect(await client.call('ACL', 'WHOAMI')).to.equal(after.oid);
      expect(await client.incr('count')).to.equal(2);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
      expect(cache.azure.statistics.refusals).to.deep.equal([]);
    });
  }
});
