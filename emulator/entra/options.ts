import { assertOption, checkFields, checkText, isText } from '../../lib/validation.js';
import { assertListenOptions, assertPort, type ListenOptions } from '../listen.js';
import { REDIS_AUDIENCE, type TokenAuthority } from '../tokens.js';

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

const OPTIONS = [
  'port',
  'metadataPort',
  'bind',
  'hostname',
  'tokenLifetime',
  'resources',
  'cachesManagedIdentityTokens',
  'authority',
] as const satisfies (keyof EntraEmulatorOptions)[];

/** @throws AzureRedisError `INVALID_OPTION`; `tokenLifetime` is checked where it is set. */
export function assertOptions(options: EntraEmulatorOptions): void {
  checkFields('options', options, OPTIONS);
  const { port = 0, metadataPort = 0, resources = [REDIS_AUDIENCE] } = options;
  const { cachesManagedIdentityTokens: caches = false } = options;
  assertPort('port', port);
  assertPort('metadataPort', metadataPort);
  assertListenOptions(options);
  assertOption(
    Array.isArray(resources) && resources.length > 0 && resources.every(isText),
    'resources',
    resources,
    'an array of URIs',
    { hint: `For example ['${REDIS_AUDIENCE}'].` },
  );
  assertOption(typeof caches === 'boolean', 'cachesManagedIdentityTokens', caches, 'true or false');
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertFederatedTokenOptions(options: FederatedTokenOptions): void {
  const {
    subject,
    audience,
    lifetime = 0,
  } = checkFields('options', options, ['subject', 'audience', 'lifetime']);
  checkText('subject', subject, "For example 'system:serviceaccount:default:my-app'.");
  if (audience !== undefined) checkText('audience', audience, 'Remove it for that of AKS.');
  assertOption(Number.isFinite(lifetime), 'lifetime', lifetime, 'a number of milliseconds');
}
