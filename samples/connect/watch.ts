import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import type { Multiplexer } from 'ioredis-azure';
import { reportEvents } from '../shared/report-events.js';
import { explain } from './advice.js';
import type { ConsoleLog } from './console-log.js';

const INTERVAL = 1_000;
const KEY = 'ioredis-azure:connect';

export interface WatchOptions {
  /** Ends after so many commands. */
  readonly count: number;
  /** Ends when this is aborted. */
  readonly stopping: AbortSignal;
}

/** How it went. */
export interface Summary {
  readonly commands: number;
  readonly failures: number;
}

/** Runs a command each second, and reports what happens to the connections. */
export async function watch(
  multiplexer: Multiplexer,
  log: ConsoleLog,
  { count, stopping }: WatchOptions,
): Promise<Summary> {
  reportConnections(multiplexer, log);
  reportEvents(multiplexer.authenticator, (line) => {
    log.line(line);
  });
  let commands = 0;
  let failures = 0;
  while (commands < count && !stopping.aborted) {
    commands += 1;
    try {
      // Every access policy permits it.
      await multiplexer.interactive.get(KEY);
      log.sign('+');
    } catch (error) {
      failures += 1;
      log.sign('-');
      log.event(explain(error));
    }
    if (commands < count) await sleep(INTERVAL, undefined, { signal: stopping }).catch(() => undefined);
  }
  return { commands, failures };
}

function reportConnections(multiplexer: Multiplexer, log: ConsoleLog): void {
  multiplexer.on('connectionLost', ({ connection, endpoint }) => {
    log.event(`${connection} connection to ${endpoint} lost`);
  });
  multiplexer.on('connectionRestored', ({ connection, endpoint, gap }) => {
    log.event(`${connection} connection to ${endpoint} restored after ${gap} ms`);
  });
  multiplexer.on('maintenance', ({ type, startTime }) => {
    log.event(`maintenance announced: ${type}${startTime ? ` at ${startTime.toISOString()}` : ''}`);
  });
  multiplexer.on('error', (error) => {
    log.event(explain(error));
  });
}
