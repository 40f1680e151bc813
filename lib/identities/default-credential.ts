import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { type AuthorityContext, authorityHostOf, isMicrosoftAuthority } from './authority.js';
import { type ChainObserver, observeChain } from './credential-chain.js';

/**
 * `DefaultAzureCredential`. The first token request loads `@azure/identity`.
 *
 * @param onAsk Receives each credential of the chain that is asked, and its answer.
 */
export function defaultCredential(context: AuthorityContext = {}, onAsk?: ChainObserver): TokenCredential {
  return new LazyDefaultAzureCredential(authorityHostOf(context), onAsk);
}

class LazyDefaultAzureCredential implements TokenCredential {
  readonly #authorityHost: string;
  readonly #onAsk: ChainObserver | undefined;
  #credential: Promise<TokenCredential> | undefined;

  constructor(authorityHost: string, onAsk: ChainObserver | undefined) {
    this.#authorityHost = authorityHost;
    this.#onAsk = onAsk;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const credential = await (this.#credential ??= load(this.#authorityHost, this.#onAsk));
    return credential.getToken(scopes, options);
  }
}

async function load(authorityHost: string, onAsk: ChainObserver | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const credential = new DefaultAzureCredential({
    authorityHost,
    // Discovery sends a request to Azure's public cloud, which does not know private authorities.
    disableInstanceDiscovery: !isMicrosoftAuthority(authorityHost),
  });
  if (onAsk) observeChain(credential, onAsk);
  return credential;
}
