import { refreshTime, retryWait } from '../../lib/credentials/schedule.js';
import { Token } from '../../lib/credentials/token.js';
import { type Backoff, spreadOf } from '../../lib/timing/backoff.js';

/** A period in which something is out, in ms from the start. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** What a fleet is, and what happens to it. All times are in ms. */
export interface FleetSettings {
  readonly processes: number;
  /** The clients of each process, on one authenticator. */
  readonly clients: number;
  readonly duration: number;
  /** The processes start one after the other within this time. */
  readonly deployment: number;
  /** The shortest and the longest lifetime of a token. */
  readonly lifetime: readonly [shortest: number, longest: number];
  readonly expirationRefreshRatio: number;
  readonly retry: Backoff;
  /** The identity service refuses every request at once. */
  readonly outage?: Period;
  /** The cache closes every connection. */
  readonly failoverAt?: number;
}

/** What a fleet asks for, second by second. */
export interface FleetLoad {
  readonly tokenRequests: Float64Array;
  /** AUTHs on live connections. */
  readonly auths: Float64Array;
  /** New connections: a TLS handshake and a login each. */
  readonly handshakes: Float64Array;
}

/** The wait before ioredis connects again after a connection was closed, in ms: its default `retryStrategy`. */
const RECONNECT_DELAY = 50;

const SECOND = 1_000;

/**
 * Simulates a fleet on a clock of its own, with the schedule, the spread and the backoff of the library. Processes do not
 * influence each other, so they are simulated one after the other. An answer takes no time.
 */
export function simulateFleet(settings: FleetSettings): FleetLoad {
  const seconds = Math.ceil(settings.duration / SECOND);
  const load: FleetLoad = {
    tokenRequests: new Float64Array(seconds),
    auths: new Float64Array(seconds),
    handshakes: new Float64Array(seconds),
  };
  for (let number = 0; number < settings.processes; number += 1) {
    const startedAt = (settings.deployment * number) / settings.processes;
    simulateProcess(settings, startedAt, load);
  }
  return load;
}

/** The times at which one process requests tokens. */
export function simulateProcess(settings: FleetSettings, startedAt: number, load?: FleetLoad): number[] {
  const { clients, duration, failoverAt } = settings;
  const requests: number[] = [];
  const request = (now: number): void => {
    requests.push(now);
    count(load?.tokenRequests, now, 1);
  };

  request(startedAt);
  let token = newToken(settings, startedAt);
  count(load?.handshakes, startedAt, clients);
  if (failoverAt !== undefined) count(load?.handshakes, failoverAt + RECONNECT_DELAY, clients);

  let failures = 0;
  let next = refreshTime(token, settings.expirationRefreshRatio);
  while (next < duration) {
    const now = next;
    request(now);
    const left = token.expiresOn - now;
    if (isOut(settings, now)) {
      failures += 1;
      next = now + retryWait(failures, left, settings.retry);
      continue;
    }
    failures = 0;
    token = newToken(settings, now);
    next = refreshTime(token, settings.expirationRefreshRatio);
    for (let client = 0; client < clients; client += 1) {
      // Without a usable token the cache has closed the connections, and they wait for this one.
      if (left <= 0) count(load?.handshakes, now, 1);
      else count(load?.auths, now + Math.random() * spreadOf(left), 1);
    }
  }
  return requests;
}

function newToken({ lifetime: [shortest, longest] }: FleetSettings, now: number): Token {
  const expiresOn = now + shortest + Math.random() * (longest - shortest);
  return new Token('', { username: '', acquiredOn: now, expiresOn });
}

function isOut({ outage }: FleetSettings, now: number): boolean {
  return outage !== undefined && now >= outage.from && now < outage.to;
}

function count(series: Float64Array | undefined, time: number, events: number): void {
  if (!series) return;
  const second = Math.floor(time / SECOND);
  if (second < series.length) series[second] = (series[second] ?? 0) + events;
}
