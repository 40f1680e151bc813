import type { Token } from './token.js';

/** By how much of its lifetime a token may be refreshed early, so that a fleet does not refresh as one. */
const EARLY = 0.05;

/** For how long before its expiry @azure/msal-node and @azure/core-rest-pipeline no longer serve a cached token, in ms. */
const CACHE_MARGIN = 5 * 60_000;

/** The shortest time between two questions for a token that the identity library still caches, in ms. */
const SHORTEST_WAIT = 50;

/** When to ask for the token after this one, in ms since 1970; `ratio` of its lifetime is spent by then. */
export function refreshTime(token: Token, ratio: number): number {
  const due = token.refreshAfter ?? token.acquiredOn + token.lifetime * ratio;
  return Math.max(token.acquiredOn, due - Math.random() * EARLY * token.lifetime);
}

/**
 * When to ask again after the identity library has answered with the token that is known already.
 *
 * A newer one can exist once the advised time or the library's caching margin is reached; where a library keeps to
 * neither, asking whenever a quarter of what is left has passed finds the new token in time.
 */
export function nextPoll(token: Token, now: number): number {
  const known = [token.refreshAfter, token.expiresOn - CACHE_MARGIN].filter(
    (time): time is number => time !== undefined && time > now,
  );
  const quarter = now + (token.expiresOn - now) / 4;
  return Math.max(now + SHORTEST_WAIT, Math.min(quarter, ...known));
}
