import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';

/** Receives the name of a credential, such as `AzureCliCredential`, and its answer. */
export type ChainObserver = (name: string, answer: Promise<AccessToken | null>) => void;

/**
 * Calls `onAsk` when a credential of a chain is asked for a token; the chain otherwise works as before.
 *
 * @azure/identity does not expose the credentials of a chain, and reports in its log only which one answered. With a version
 * that stores them differently, nothing is observed.
 */
export function observeChain(chain: TokenCredential, onAsk: ChainObserver): void {
  const sources: unknown = Reflect.get(chain, '_sources');
  if (!Array.isArray(sources)) return;
  for (const source of sources as Partial<TokenCredential>[]) {
    const getToken = source.getToken?.bind(source);
    if (!getToken) continue;
    source.getToken = (scopes: string | string[], options?: GetTokenOptions) => {
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
