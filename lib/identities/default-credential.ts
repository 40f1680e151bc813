import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { authorityHostOf } from './authority.js';

/** Receives the name of a credential of a chain, such as `AzureCliCredential`, and its answer. */
export type ChainObserver = (name: string, answer: Promise<AccessToken | null>) => void;

/**
 * `DefaultAzureCredential`. The first token request loads `@azure/identity`.
 *
 * @param onAsk Receives each credential of the chain that is asked, and its answer.
 */
export function defaultCredential(authorityHost = authorityHostOf(), onAsk?: ChainObserver): TokenCredential {
  let credential: TokenCredential | undefined;
  return {
    getToken: async (scopes, options) => {
      credential ??= await load(authorityHost, onAsk);
      return credential.getToken(scopes, options);
    },
  };
}

async function load(authorityHost: string, onAsk: ChainObserver | undefined): Promise<TokenCredential> {
  const [{ DefaultAzureCredential }, { verifyingClient }] = await Promise.all([
    import('@azure/identity'),
    import('./verifying-client.js'),
  ]);
  const credential = new DefaultAzureCredential({
    authorityHost,
    httpClient: await verifyingClient(),
    // Discovery asks Azure's public cloud, which does not know private authorities; msal knows Microsoft's own without it.
    disableInstanceDiscovery: true,
  });
  if (onAsk) observeChain(credential, onAsk);
  return credential;
}

/**
 * Calls `onAsk` when a credential of a chain is asked for a token; the chain otherwise works as before.
 *
 * @azure/identity does not expose the credentials of a chain, and reports in its log only which one answered. With a version
 * that stores them differently, nothing is observed.
 */
function observeChain(chain: TokenCredential, onAsk: ChainObserver): void {
  const sources: unknown = Reflect.get(chain, '_sources');
  if (!Array.isArray(sources)) return;
  for (const source of sources as TokenCredential[]) {
    const getToken = source.getToken.bind(source);
    source.getToken = (scopes, options) => {
      const answer = getToken(scopes, options);
      onAsk(nameOf(source), answer);
      return answer;
    };
  }
}

/** A credential that could not be constructed is replaced by one that knows its name. */
function nameOf(source: object): string {
  const replaced: unknown = Reflect.get(source, 'credentialName');
  return typeof replaced === 'string' ? replaced.replace(/^createDefault/, '') : source.constructor.name;
}
