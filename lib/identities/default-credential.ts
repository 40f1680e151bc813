import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { type AuthorityContext, authorityHostOf, isMicrosoftAuthority } from './authority.js';

/** `DefaultAzureCredential`. The first token request loads `@azure/identity`. */
export function defaultCredential(context: AuthorityContext = {}): TokenCredential {
  return new LazyDefaultAzureCredential(authorityHostOf(context));
}

class LazyDefaultAzureCredential implements TokenCredential {
  readonly #authorityHost: string;
  #credential: Promise<TokenCredential> | undefined;

  constructor(authorityHost: string) {
    this.#authorityHost = authorityHost;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const credential = await (this.#credential ??= load(this.#authorityHost));
    return credential.getToken(scopes, options);
  }
}

async function load(authorityHost: string): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential({
    authorityHost,
    // Discovery sends a request to Azure's public cloud, which does not know private authorities.
    disableInstanceDiscovery: !isMicrosoftAuthority(authorityHost),
  });
}
