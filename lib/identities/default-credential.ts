import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { messageOf, redacted } from '../redaction.js';
import { type AuthorityContext, authorityHostOf, isMicrosoftAuthority } from './authority.js';
import { verifyingClient } from './verifying-client.js';

/** What one credential of a chain answered. */
export interface ChainLink {
  /** The class of the credential, such as `AzureCliCredential`. */
  readonly name: string;
  /** Why it returned no token; `undefined` if it returned one. */
  readonly reason: string | undefined;
}

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
    httpClient: await verifyingClient(),
    // Discovery sends a request to Azure's public cloud, which does not know private authorities.
    disableInstanceDiscovery: !isMicrosoftAuthority(authorityHost),
  });
  if (onLink) observeChain(credential, onLink);
  return credential;
}

/**
 * Calls `onLink` with the answer of each credential of a chain, which otherwise works as before.
 *
 * @azure/identity does not expose the credentials of a chain, and reports in its log only which one answered. With a version
 * that stores them differently, nothing is observed.
 */
function observeChain(chain: TokenCredential, onLink: (link: ChainLink) => void): void {
  const sources: unknown = Reflect.get(chain, '_sources');
  if (!Array.isArray(sources)) return;
  for (const source of sources as Partial<TokenCredential>[]) {
    const getToken = source.getToken?.bind(source);
    if (!getToken) continue;
    source.getToken = async (scopes: string | string[], options?: GetTokenOptions) => {
      return observed(nameOf(source), () => getToken(scopes, options), onLink);
    };
  }
}

async function observed(
  name: string,
  getToken: () => Promise<AccessToken | null>,
  onLink: (link: ChainLink) => void,
): Promise<AccessToken | null> {
  try {
    const token = await getToken();
    onLink({ name, reason: token ? undefined : 'it is not available on this machine' });
    return token;
  } catch (error) {
    onLink({ name, reason: redacted(messageOf(error)) });
    throw error;
  }
}

/** A credential that could not be constructed is replaced by one that knows its name. */
function nameOf(source: object): string {
  const replaced: unknown = Reflect.get(source, 'credentialName');
  return typeof replaced === 'string' ? replaced.replace(/^createDefault/, '') : source.constructor.name;
}
