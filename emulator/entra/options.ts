import type { ListenOptions } from '../listen.js';
import type { TokenAuthority } from '../tokens.js';

/** The options of `EntraEmulator.start()`. */
export interface EntraEmulatorOptions extends ListenOptions {
  /** The port of the identity service. Default: 0, for a free one. */
  readonly port?: number | undefined;
  /** The port of the endpoints of managed identities. Default: 0, for a free one. */
  readonly metadataPort?: number | undefined;
  /** The lifetime of access tokens, in ms, at least 1000. Default: one hour. */
  readonly tokenLifetime?: number | undefined;
  /** The resources for which tokens are issued. Default: `https://redis.azure.com`. */
  readonly resources?: readonly string[] | undefined;
  /**
   * Whether the endpoints of managed identities return the same token until half of its lifetime has passed, as those of
   * Azure do, whose tokens live for a day. Default: false.
   */
  readonly cachesManagedIdentityTokens?: boolean | undefined;
  /** @internal Signs the tokens. Default: a new one, of a new tenant. */
  readonly authority?: TokenAuthority | undefined;
}

/** The options of `EntraEmulator.issueFederatedToken()`. */
export interface FederatedTokenOptions {
  /** The subject, for example `system:serviceaccount:default:my-app`. */
  readonly subject: string;
  /** Default: `api://AzureADTokenExchange`. */
  readonly audience?: string | undefined;
  /** In ms. Default: one hour. */
  readonly lifetime?: number | undefined;
}
