import type { Authenticator } from '../lib/authenticator.js';
import { claimsOf, type TokenClaims } from '../lib/credentials/token.js';
import { DEFAULT_SCOPE } from '../lib/identities/authority.js';
import type { Section } from './finding.js';

/** The difference of the clocks from which a warning is reported, in ms. */
const NOTICEABLE = 30_000;

/** Entra and the cache tolerate a difference of five minutes, in ms. Source: the clock skew of Microsoft.IdentityModel. */
const TOLERATED = 300_000;

/** The application id of Azure Redis in Entra, which a token may have as its audience instead of the URL. */
const REDIS_APPLICATION = 'acca5fbb-b7e4-4009-81f1-37e38fd66d78';

/** Describes a token, and checks that it is one for the cache. */
export function reportToken(
  { scope, report }: Section,
  claims: TokenClaims,
  { username, expiresOn }: Pick<Authenticator, 'username' | 'expiresOn'>,
): void {
  const [objectId, tenantId, audience] = ['oid', 'tid', 'aud'].map((name) => claim(claims, name));
  const type = typeOf(claims);
  const { iat, exp } = claims;
  const lifetime = typeof iat === 'number' && typeof exp === 'number' ? (exp - iat) * 1000 : undefined;
  report('identity', {
    ok: `The identity is a ${type}; object id ${objectId ?? 'unknown'}, tenant ${tenantId ?? 'unknown'}.`,
    data: { objectId, tenantId, type, username },
  });
  report('audience', [
    { when: audience === undefined, skipped: 'The token is opaque, or has no audience.' },
    {
      when: isExpectedAudience(audience, scope),
      ok: `The token is for ${audience ?? ''}.`,
      data: { audience },
    },
    {
      error: `The token is for ${audience ?? ''}, not for Azure Redis.`,
      why: 'The cache rejects tokens for other resources with WRONGPASS.',
      remedy: `Request the scope ${DEFAULT_SCOPE}: remove \`scope\`, or correct the credential.`,
      data: { audience },
    },
  ]);
  report('lifetime', {
    ok: `The token expires at ${expiresOn.toISOString()}, in ${timeUntil(expiresOn)}; it is refreshed before that.`,
    data: { expiresOn, ...(lifetime !== undefined && { lifetime }) },
  });
}

/** Reports the lead of the local clock, in ms; `undefined` if it is not known. */
export function reportClock(ahead: number | undefined, { authorityHost, report }: Section): void {
  if (ahead === undefined) {
    report('clock', { skipped: `The clock was not compared: ${authorityHost} did not answer.` });
    return;
  }
  const difference = Math.abs(ahead);
  const message = `The local clock is ${(difference / 1000).toFixed(1)} s ${ahead >= 0 ? 'ahead of' : 'behind'} that of ${authorityHost}.`;
  const data = { ahead: Math.round(ahead) };
  const advice = {
    why: 'Tokens are refreshed too early or too late. Beyond five minutes Entra rejects certificates, and the cache rejects tokens.',
    remedy: 'Synchronise the clock of this machine (NTP, chrony, w32time).',
    data,
  };
  report('clock', [
    { when: difference < NOTICEABLE, ok: message, data },
    { when: difference < TOLERATED, warning: message, ...advice },
    { error: message, ...advice },
  ]);
}

/** The claims of a token; none if it is not a JWT. */
export function readClaims(token: string): TokenClaims {
  try {
    return claimsOf(token);
  } catch {
    return {};
  }
}

/** A claim that is a string. */
export function claim(claims: TokenClaims, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The kind of identity that a token is issued to, from the claims that Entra sets for each kind. */
function typeOf(claims: TokenClaims): string {
  const resource = claim(claims, 'xms_mirid');
  if (resource !== undefined) {
    const isUserAssigned = /userAssignedIdentities/i.test(resource);
    return `${isUserAssigned ? 'user-assigned' : 'system-assigned'} managed identity ${resource}`;
  }
  const user = claim(claims, 'upn') ?? claim(claims, 'preferred_username') ?? claim(claims, 'unique_name');
  if (user !== undefined) return `user ${user}`;
  const application = claim(claims, 'appid') ?? claim(claims, 'azp');
  if (claims['idtyp'] === 'user' || claim(claims, 'scp') !== undefined) return 'user';
  return application === undefined
    ? 'principal of unknown type'
    : `service principal of application ${application}`;
}

/** Whether Azure Redis accepts tokens for this audience, which the scope asked for. */
function isExpectedAudience(audience: string | undefined, scope: string): boolean {
  const requested = scope.replace(/\/\.default$/, '').replace(/\/$/, '');
  return ['https://redis.azure.com', REDIS_APPLICATION, requested].includes(
    audience?.replace(/\/$/, '') ?? '',
  );
}

function timeUntil(expiry: Date): string {
  const minutes = (expiry.getTime() - Date.now()) / 60_000;
  return minutes < 2 ? `${(minutes * 60).toFixed(0)} s` : `${minutes.toFixed(0)} min`;
}
