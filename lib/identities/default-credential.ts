import type { TokenCredential } from '@azure/core-auth';
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
  const authorityHost = authorityHostOf(context);
  let credential: Promise<TokenCredential> | undefined;
  return {
    getToken: async (scopes, options) => {
      credential ??= load(authorityHost, onLink);
      return (await credential).getToken(scopes, options);
    },
  };
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
  for (const source of sources as TokenCredential[]) {
    const name = nameOf(source);
    const getToken = source.getToken.bind(source);
    source.getToken = async (scopes, options) => {
      try {
        const token = await getToken(scopes, options);
        onLink({ name, reason: token ? undefined : 'it is not available on this machine' });
        return token;
      } catch (error) {
        onLink({ name, reason: redacted(messageOf(error)) });
        throw error;
      }
    };
  }
}

/** A credential that could not be constructed is replaced by one that knows its name. */
function nameOf(source: object): string {
  const replaced: unknown = Reflect.get(source, 'credentialName');
  return typeof replaced === 'string' ? replaced.replace(/^createDefault/, '') : source.constructor.name;
}
