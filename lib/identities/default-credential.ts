import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { type AuthorityContext, authorityHostOf, isMicrosoftAuthority } from './authority.js';
import { type ChainLink, observeChain } from './credential-chain.js';

/**
 * `DefaultAzureCredential`. The first token request loads `@azure/identity`.
 *
 * @param onLink Receives the answer of each credential of the chain.
 */
export function defaultCredential(
  context: AuthorityContext = {},
  onLink?: (link: ChainLink) => void,
): TokenCredential {
  return new LazyDefaultAzureCredential(authorityHostOf(context), onLink);
}

class LazyDefaultAzureCredential implements TokenCredential {
  readonly #authorityHost: string;
  readonly #onLink: ((link: ChainLink) => void) | undefined;
  #credential: Promise<TokenCredential> | undefined;

  constructor(authorityHost: string, onLink: ((link: ChainLink) => void) | undefined) {
    this.#authorityHost = authorityHost;
    this.#onLink = onLink;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const credential = await (this.#credential ??= load(this.#authorityHost, this.#onLink));
    return credential.getToken(scopes, options);
  }
}

async function load(
  authorityHost: string,
  onLink: ((link: ChainLink) => void) | undefined,
): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const credential = new DefaultAzureCredential({
    authorityHost,
    // Discovery sends a request to Azure's public cloud, which does not know private authorities.
    disableInstanceDiscovery: !isMicrosoftAuthority(authorityHost),
  });
  if (onLink) observeChain(credential, onLink);
  return credential;
}
