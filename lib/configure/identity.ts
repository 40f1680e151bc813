import type { TokenCredential } from '@azure/core-auth';
import { Authenticator } from '../authenticator.js';
import { ACCESS_KEY, AccessKeyProvider, isAccessKey, kindOfKey } from '../credentials/access-key.js';
import type { RefreshingCredentialsProvider } from '../credentials/credentials.js';
import { TokenCycle } from '../credentials/token-cycle.js';
import { requestToken } from '../credentials/token-request.js';
import { AzureRedisError } from '../errors.js';
import type { AuthorityContext } from '../identities/authority.js';
import { defaultCredential } from '../identities/default-credential.js';
import { checkManagedIdentity, managedIdentityCredential } from '../identities/managed-identity.js';
import { checkServicePrincipal, servicePrincipalCredential } from '../identities/service-principal.js';
import { assertOption, invalidOption, kindOf } from '../validation.js';
import type { ConfigureForAzureOptions, IdentityOptions } from './options.js';
import { AUTHENTICATOR_OPTIONS, type AuthenticatorSettings } from './settings.js';

const IDENTITY_OPTIONS = [
  'credential',
  'managedIdentity',
  'servicePrincipal',
  'accessKey',
  'authenticator',
] as const satisfies readonly (keyof IdentityOptions)[];

/** The options that this package adds to those of ioredis. */
export const ADDED_OPTIONS: ReadonlySet<string> = new Set([...IDENTITY_OPTIONS, ...AUTHENTICATOR_OPTIONS]);

/**
 * Checks the identity, and that no other option contradicts it.
 *
 * @throws AzureRedisError `CONFLICTING_OPTIONS` or `INVALID_OPTION`.
 */
export function checkIdentity(options: ConfigureForAzureOptions): void {
  const { credential, managedIdentity, servicePrincipal, accessKey, authenticator } = options;
  const given = IDENTITY_OPTIONS.filter((name) => options[name] !== undefined);
  if (given.length > 1) {
    throw conflict(
      `More than one identity was given: ${given.join(', ')}.`,
      'Set exactly one of them, or none for DefaultAzureCredential.',
    );
  }
  if (credential !== undefined) checkCredential(credential);
  if (managedIdentity !== undefined) checkManagedIdentity(managedIdentity);
  if (servicePrincipal !== undefined) checkServicePrincipal(servicePrincipal);
  if (accessKey !== undefined) checkAccessKey(options);
  if (authenticator !== undefined) checkShared(options, authenticator);
  checkPassword(options);
  if (credential ?? managedIdentity ?? accessKey) checkAuthority(options);
}

/**
 * Acquires the first credentials of the identity.
 *
 * @throws AzureRedisError `TOKEN_REFUSED`, `TOKEN_INVALID` or `TOKEN_UNAVAILABLE`.
 */
export async function startProvider(
  options: ConfigureForAzureOptions,
  { authorityHost, scope, username, cycle }: AuthenticatorSettings,
): Promise<RefreshingCredentialsProvider> {
  if (options.accessKey !== undefined) {
    return AccessKeyProvider.start(
      options.accessKey,
      typeof username === 'string' ? username : 'default',
      cycle,
    );
  }
  const source = {
    credential: credentialOf(options, { authorityHost }),
    scope,
    username,
  };
  return TokenCycle.start((timeout, secrets) => requestToken(source, timeout, secrets), cycle);
}

/** The credential that the options select; `DefaultAzureCredential` if none, even where the login uses an access key. */
export function credentialOf(
  { credential, managedIdentity, servicePrincipal }: IdentityOptions,
  context: AuthorityContext,
): TokenCredential {
  if (credential) return credential;
  if (managedIdentity) return managedIdentityCredential(managedIdentity);
  if (servicePrincipal) return servicePrincipalCredential(servicePrincipal, context);
  return defaultCredential(context);
}

function checkCredential(credential: Partial<TokenCredential> | null): void {
  assertOption(
    typeof credential?.getToken === 'function',
    'credential',
    credential,
    'a TokenCredential with the method getToken()',
    { got: kindOf(credential) },
  );
}

function checkAccessKey({ accessKey, username, scope }: ConfigureForAzureOptions): void {
  assertOption(
    typeof accessKey === 'function' || isAccessKey(accessKey),
    'accessKey',
    accessKey,
    `${ACCESS_KEY}, or a function that returns it`,
    {
      hint: 'Set the primary or secondary key of the cache (Azure portal, Authentication).',
      got: kindOfKey(accessKey),
    },
  );
  if (scope === undefined && typeof username !== 'function') return;
  throw conflict(
    '`accessKey` conflicts with `scope` and with a `username` function, which need an access token.',
    'Remove them, or set an identity instead of `accessKey`.',
  );
}

/** Options that were configured before hold the password of their authenticator. */
function checkPassword(options: ConfigureForAzureOptions): void {
  const password: unknown = Reflect.get(options, 'password');
  if (password === undefined || password === null || password === options.authenticator?.login.password)
    return;
  throw conflict(
    '`password` conflicts with the identity, which supplies the password.',
    'Remove `password`; set an access key as `accessKey`.',
  );
}

function checkShared(options: ConfigureForAzureOptions, authenticator: Authenticator): void {
  checkAuthenticator(authenticator);
  const conflicting = AUTHENTICATOR_OPTIONS.filter(
    (name) =>
      options[name] !== undefined && !(name === 'username' && options.username === authenticator.username),
  );
  if (conflicting.length === 0) return;
  throw conflict(
    `\`authenticator\` conflicts with ${conflicting.map((name) => `\`${name}\``).join(', ')}, which it already has.`,
    'Set these options in the call that creates the authenticator, or remove `authenticator` to create another one.',
  );
}

/** Libraries that copy options (JSON, structuredClone, lodash.cloneDeep) cannot copy the state of an authenticator. */
function checkAuthenticator(authenticator: unknown): void {
  if (authenticator instanceof Authenticator && !isHollow(authenticator)) return;
  throw invalidOption(
    `\`authenticator\` must be the \`authenticator\` of options that configureForAzure() returned, got ${typeof authenticator === 'object' && authenticator !== null ? 'a copy, or another object' : kindOf(authenticator)}.`,
    'Pass the options themselves, or `{ ...options }`. A copy created by JSON, structuredClone() or a deep clone has no token and cannot log in.',
  );
}

/** Whether this object has the class of an authenticator but not its private fields. */
function isHollow(authenticator: Authenticator): boolean {
  try {
    return typeof authenticator.login.password !== 'function';
  } catch {
    return true;
  }
}

function checkAuthority(options: ConfigureForAzureOptions): void {
  if (options.cloud === undefined && options.authorityHost === undefined) return;
  throw conflict(
    '`cloud` and `authorityHost` conflict with this identity, which does not use them.',
    'Remove them; set the authority host of a credential in the options of that credential.',
  );
}

function conflict(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('CONFLICTING_OPTIONS', message, hint);
}
