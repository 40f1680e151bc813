import type { Authenticator } from 'ioredis-azure';

/** Prints what the authenticator does, one line for each event. */
export function reportEvents(
  authenticator: Authenticator,
  print: (line: string) => void = console.log,
): void {
  const report = (text: string): void => {
    print(`${timeOf(new Date())} ${text}`);
  };
  authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    report(`token refreshed, valid until ${timeOf(expiresOn)}`);
  });
  authenticator.on('tokenRefreshFailed', ({ error, expiresOn }) => {
    report(`token not refreshed: ${error.message} ${error.hint} Valid until ${timeOf(expiresOn)}.`);
  });
  authenticator.on('reauthenticated', ({ endpoint }) => {
    report(`${endpoint} re-authenticated`);
  });
  authenticator.on('reauthenticationFailed', ({ endpoint, error }) => {
    report(`${endpoint} not re-authenticated: ${error.message}`);
  });
  authenticator.on('recycled', ({ endpoint, reason, gap, delivery }) => {
    report(`${endpoint} replaced (${reason}) after ${gap} ms, messages ${delivery}`);
  });
}

/** The time of day, in UTC, to the millisecond. */
export function timeOf(date: Date): string {
  return date.toISOString().slice(11, 23);
}
