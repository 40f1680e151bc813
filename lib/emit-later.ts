import type { EventEmitter } from 'node:events';

/** Emits in a separate tick, so that an error thrown by a listener does not reach the code that reports the event. */
export function emitLater<
  Events extends Record<keyof Events, [event: unknown]>,
  Name extends keyof Events & string,
>(emitter: EventEmitter<Events>, name: Name, event: Events[Name][0]): void {
  process.nextTick(() => {
    // The parameters are checked above; TypeScript cannot check a tuple of a generic name again.
    (emitter as EventEmitter).emit(name, event);
  });
}
