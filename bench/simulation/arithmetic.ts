import { REFRESH_JITTER } from '../../lib/credentials/schedule.js';

/** What a fleet asks for on average, computed. All times are in ms, all rates per second. */
export interface SteadyState {
  /** Between two refreshes of one process. */
  readonly refreshInterval: number;
  readonly tokenRequests: number;
  readonly auths: number;
}

/** The steady state of a fleet: each process refreshes once an interval, and each client is sent one AUTH for it. */
export function steadyState(
  processes: number,
  clients: number,
  lifetime: readonly [shortest: number, longest: number],
  refreshRatio: number,
): SteadyState {
  const meanLifetime = (lifetime[0] + lifetime[1]) / 2;
  // A token is refreshed early by up to the jitter, at random.
  const refreshInterval = meanLifetime * (refreshRatio - REFRESH_JITTER / 2);
  const tokenRequests = processes / (refreshInterval / 1_000);
  return { refreshInterval, tokenRequests, auths: tokenRequests * clients };
}

/** The mean of a part of a series. */
export function meanOf(series: Float64Array, from: number, to: number): number {
  const part = series.subarray(from, to);
  return part.reduce((sum, value) => sum + value, 0) / part.length;
}

/** The largest value of a part of a series. */
export function peakOf(series: Float64Array, from: number, to: number): number {
  return series.subarray(from, to).reduce((peak, value) => Math.max(peak, value), 0);
}
