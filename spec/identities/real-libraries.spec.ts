import { expect } from 'chai';
import { LocalEntra } from '../../lib/testing/entra/index.js';
import { createTokenAuthority, type TokenAuthority } from '../../lib/testing/tokens.js';
import { createCaseFolder, identityCases } from './support/identity-cases.js';
import { IdentityProcess } from './support/identity-process.js';
import { expectNoSecret } from './support/secrecy.js';

describe('identities through the real identity libraries', () => {
  let authority: TokenAuthority;
  let entra: LocalEntra;
  let folder: Awaited<ReturnType<typeof createCaseFolder>>;

  before(async () => {
    authority = await createTokenAuthority();
    // The libraries' own caches give a token out until five minutes before its end: these are never kept.
    entra = await LocalEntra.start({ authority, tokenLifetime: 60_000 });
    folder = await createCaseFolder();
  });
  after(async () => {
    await entra.stop();
    await folder.remove();
  });

  for (const [name, setUp] of Object.entries(identityCases)) {
    it(`${name}: gives a token that the cache accepts, and a new one at each refresh`, async () => {
      const identityCase = await setUp({ entra, folder: folder.path });
      const identity = new IdentityProcess(identityCase);
      try {
        const tokens = [await identity.token(), await identity.token(), await identity.token()];
        expect(new Set(tokens.map(({ token }) => token)).size).to.equal(3);
        for (const { token, expiresOnTimestamp } of tokens) {
          const { oid, exp } = await authority.verify(token);
          expect(oid).to.equal(identityCase.objectId);
          // Entra announces whole seconds, and msal counts in them, rounded.
          expect(expiresOnTimestamp).to.be.within(exp * 1000 - 2000, exp * 1000 + 600);
          expectNoSecret(identity.output, { ...identityCase.secrets, token });
        }
      } finally {
        await identity.stop();
      }
    });
  }
});
