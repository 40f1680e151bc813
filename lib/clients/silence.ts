import type { VitalSigns } from '../ioredis/client-state.js';

/**
 * For how long a connection has owed a reply without a sign of life: no byte arrived, and none of those that wait to be
 * sent was taken.
 *
 * It is the sum of the times between observations, as stated by the caller: time in which the process could read nothing
 * must not count.
 */
export class Silence {
  #last: VitalSigns | undefined;
  #duration = 0;

  /** The duration so far, in ms. */
  get duration(): number {
    return this.#duration;
  }

  /** @param elapsed The time since the last observation, in ms. */
  observe(signs: VitalSigns | undefined, elapsed: number): void {
    const isSilent = isDue(this.#last) && isDue(signs) && !showsLife(this.#last, signs);
    this.#duration = isSilent ? this.#duration + elapsed : 0;
    this.#last = signs;
  }
}

/** Whether the server has something to send. */
function isDue(signs: VitalSigns | undefined): signs is VitalSigns {
  return signs !== undefined && (signs.awaited !== undefined || signs.isMonitoring);
}

function showsLife(before: VitalSigns, now: VitalSigns): boolean {
  const hasSent = before.bytesUnsent > 0 && now.bytesUnsent !== before.bytesUnsent;
  return now.socket !== before.socket || now.bytesRead !== before.bytesRead || hasSent;
}
