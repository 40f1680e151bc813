export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** The lifetime of a token, in ms. */
export const LIFETIME = 3 * MINUTE;

/** In so many turns of the event loop, everything in progress between clients and server completes. */
export const ALL_TURNS = 12;
