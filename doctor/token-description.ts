import { claimsOf, type TokenClaims } from '../lib/credentials/username.js';

/** The application id of Azure Redis in Entra, which a token may have as its audience instead of the URL. */
const REDIS_APPLICATION = 'acca5fbb-b7e4-4009-81f1-37e38fd66d78';

/** The claims of a token; none if it is not a JWT. */
export function readClaims(token: string): TokenClaims {
  try {
    return claimsOf(token);
  } catch {
    return {};
  }
}

/** The kind of identity that a token is issued to, from the claims that Entra sets for each kind. */
export function identityType(claims: TokenClaims): string {
  const resource = text(claims, 'xms_mirid');
  if (resource !== undefined) {
    const isUserAssigned = /userAssignedIdentities/i.test(resource);
    return `${isUserAssigned ? 'user-assigned' : 'system-assigned'} managed identity ${resource}`;
  }
  const user = text(claims, 'upn') ?? text(claims, 'preferred_username') ?? text(claims, 'unique_name');
  if (user !== undefined) return `user ${user}`;
  const application = text(claims, 'appid') ?? text(claims, 'azp');
  if (claims['idtyp'] === 'user' || text(claims, 'scp') !== undefined) return 'user';
  return application === undefined
    ? 'principal of unknown type'
    : `service principal of application ${application}`;
}

/** Whether Azure Redis accepts tokens for this audience, which the scope asked for. */
export function isExpectedAudience(audience: string, scope: string): boolean {
  const normalised = audience.replace(/\/$/, '');
  const requested = scope.replace(/\/\.default$/, '').replace(/\/$/, '');
  return (
    normalised === 'https://redis.azure.com' || normalised === REDIS_APPLICATION || normalised === requested
  );
}

/** A claim that is a string. */
export function text(claims: TokenClaims, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
