import type { TokenCredential } from '@azure/core-auth';
import { Authenticator } from '../authenticator.js';
import type { TokenRequest } from '../credentials/token-cycle.js';
import { requestToken } from '../credentials/token.js';
import { defaultCredential } from '../identities/default-credential.js';
import { checkManagedIdentity, managedIdentityCredential } from '../identities/managed-identity.js';
import { checkServicePrincipal, servicePrincipalCredential } from '../identities/service-principal.js';
import { readField } from '../redaction.js';
import {
  assertOption,
  conflictingOptions,
  invalidOption,
  isLine,
  isObject,
  kindOf,
  kindOfLine,
  LINE,
} from '../validation.js';
import type { AuthenticatorOptions, Identities } from './options.js';
import { AUTHENTICATOR_OPTION_NAMES, type AuthenticatorSettings } from './settings.js';

/** What callers may give, who need not use TypeScript. */
type GivenOptions = Partial<Identities> & AuthenticatorOptions & { readonly password?: unknown };

/** The identities, and their checks. */
const IDENTITIES: Readonly<Record<keyof Identities, (value: unknown, options: GivenOptions) => void>> = {
  credential: checkCredential,
  managedIdentity: checkManagedIdentity,
  servicePrincipal: checkServicePrincipal,
  accessKey: checkAccessKey,
  authenticator: checkShared,
};

export const IDENTITY_OPTION_NAMES = Object.keys(IDENTITIES) as (keyof Identities)[];

/**
 * Checks the identity, and that no other option contradicts it.
 *
 * @throws AzureRedisError `CONFLICTING_OPTIONS` or `INVALID_OPTION`.
 */
export function checkIdentity(options: GivenOptions): void {
  const given = IDENTITY_OPTION_NAMES.filter((name) => name in options);
  const missing = given.find((name) => options[name] === undefined);
  if (missing !== undefined) {
    throw invalidOption(
      `\`${missing}\` is undefined: another identity would log in.`,
      `Set \`${missing}\` (is the environment variable set that it comes from?), or leave it out.`,
    );
  }
  if (given.length > 1) {
    throw conflictingOptions(
      `More than one identity was given: ${given.join(', ')}.`,
      'Set exactly one of them, or none for DefaultAzureCredential.',
    );
  }
  const [identity] = given;
  if (identity) IDENTITIES[identity](options[identity], options);
  if (options.password !== undefined && options.password !== null && !isConfigured(options)) {
    throw conflictingOptions(
      '`password` conflicts with the identity, which supplies the password.',
      'Remove `password`; set an access key as `accessKey`.',
    );
  }
  if (!identity || identity === 'servicePrincipal' || identity === 'authenticator') return;
  if (options.cloud === undefined && options.authorityHost === undefined) return;
  throw conflictingOptions(
    '`cloud` and `authorityHost` conflict with this identity, which does not use them.',
    'Remove them; set the authority host of a credential in the options of that credential.',
  );
}

/** Requests the tokens of the identity. */
export function tokenRequestOf(
  options: Partial<Identities>,
  { authorityHost, scope, username }: Omit<AuthenticatorSettings, 'cycle' | 'heartbeat'>,
): TokenRequest {
  const source = { credential: credentialOf(options, authorityHost), scope, username };
  return (timeout, secrets) => requestToken(source, timeout, secrets);
}

/** The credential that the options select; `DefaultAzureCredential` if none, even where the login uses an access key. */
export function credentialOf(
  { credential, managedIdentity, servicePrincipal }: Partial<Identities>,
  authorityHost: string,
): TokenCredential {
  if (credential) return credential;
  if (managedIdentity) return managedIdentityCredential(managedIdentity);
  if (servicePrincipal) return servicePrincipalCredential(servicePrincipal, authorityHost);
  return defaultCredential(authorityHost);
}

function checkCredential(credential: unknown): void {
  assertOption(
    typeof (credential as Partial<TokenCredential> | null)?.getToken === 'function',
    'credential',
    credential,
    'a TokenCredential with the method getToken()',
    { got: kindOf(credential) },
  );
}

function checkAccessKey(accessKey: unknown, { username, scope }: GivenOptions): void {
  assertOption(
    typeof accessKey === 'function' || isLine(accessKey),
    'accessKey',
    accessKey,
    `${LINE}, or a function that returns it`,
    {
      hint: 'Set the primary or secondary key of the cache (Azure portal, Authentication).',
      got: kindOfLine(accessKey),
    },
  );
  if (scope === undefined && typeof username !== 'function') return;
  throw conflictingOptions(
    '`accessKey` conflicts with `scope` and with a `username` function, which need an access token.',
    'Remove them, or set an identity instead of `accessKey`.',
  );
}

function checkShared(authenticator: unknown, options: GivenOptions): void {
  checkAuthenticator(authenticator);
  const conflicting = AUTHENTICATOR_OPTION_NAMES.filter(
    (name) => options[name] !== undefined && !(name === 'username' && isUsernameOf(authenticator, options)),
  );
  if (conflicting.length === 0) return;
  throw conflictingOptions(
    `\`authenticator\` conflicts with ${conflicting.map((name) => `\`${name}\``).join(', ')}, which it already has.`,
    'Set these options in the call that creates the authenticator, or remove `authenticator` to create another one.',
  );
}

/** Whether these options are a result of `configureForAzure()`, whose user name may since have changed. */
function isUsernameOf(authenticator: Authenticator, options: GivenOptions): boolean {
  return options.username === authenticator.username || isConfigured(options);
}

/** Whether these are options that `configureForAzure()` returned, which hold the password of their authenticator. */
function isConfigured({ authenticator, password }: GivenOptions): boolean {
  return authenticator !== undefined && password === authenticator.login.password;
}

/** Libraries that copy options (JSON, structuredClone, lodash.cloneDeep) cannot copy the state of an authenticator. */
function checkAuthenticator(authenticator: unknown): asserts authenticator is Authenticator {
  // A copy may have its class, but not the private fields from which it is read.
  const password = readField(readField(authenticator, 'login'), 'password');
  if (authenticator instanceof Authenticator && typeof password === 'function') return;
  const got = isObject(authenticator) ? 'a copy, or another object' : kindOf(authenticator);
  throw invalidOption(
    `\`authenticator\` must be the \`authenticator\` of options that configureForAzure() returned, got ${got}.`,
    'Pass the options themselves, or `{ ...options }`. A copy created by JSON, structuredClone() or a deep clone has no token and cannot log in.',
  );
}
