import { randomBytes } from 'node:crypto';
import { parseFlags, parseInteger, UsageError } from '../shared/command-line.js';
import { LISTEN_FLAGS, LISTEN_USAGE, listenPort } from '../shared/listen.js';
import { TARGET_FLAGS, TARGET_USAGE, type TargetFlags } from '../shared/target.js';
import type { SessionTimeouts } from './session/session-store.js';

export const USAGE = `Usage: npm run sample:sessions -- ${TARGET_USAGE} [--cluster] ${LISTEN_USAGE}
  [--idle-timeout SECONDS] [--absolute-timeout SECONDS] [--behind-tls-proxy]
Environment: SESSION_SECRET (32 characters or more) and DEMO_PASSWORD (8 or more), each by default a new one at every start.`;

export interface Options {
  readonly target: TargetFlags;
  /** Whether the cache has the OSS cluster policy. */
  readonly cluster: boolean;
  readonly port: number;
  readonly timeouts: SessionTimeouts;
  readonly behindTlsProxy: boolean;
  readonly secret: string;
  readonly demoPassword: string;
}

/** A year, in seconds. */
const LONGEST = 365 * 24 * 60 * 60;

/** @throws UsageError for what cannot be used. */
export function readOptions(environment: NodeJS.ProcessEnv): Options {
  const flags = parseFlags({
    ...TARGET_FLAGS,
    ...LISTEN_FLAGS,
    cluster: { type: 'boolean', default: false },
    'idle-timeout': { type: 'string', default: '1800' },
    'absolute-timeout': { type: 'string', default: '43200' },
    'behind-tls-proxy': { type: 'boolean', default: false },
  });
  if (flags.cluster && flags.host === undefined) throw new UsageError('--cluster needs --host.');
  const idle = parseInteger('--idle-timeout', flags['idle-timeout'], 1, LONGEST);
  const absolute = parseInteger('--absolute-timeout', flags['absolute-timeout'], 1, LONGEST);
  if (idle > absolute) throw new UsageError('--idle-timeout must not be longer than --absolute-timeout.');
  return {
    target: flags,
    cluster: flags.cluster,
    port: listenPort(flags),
    timeouts: { idle: idle * 1000, absolute: absolute * 1000 },
    behindTlsProxy: flags['behind-tls-proxy'],
    secret: readSecret(environment, 'SESSION_SECRET', 32),
    demoPassword: readSecret(environment, 'DEMO_PASSWORD', 8),
  };
}

function readSecret(environment: NodeJS.ProcessEnv, name: string, minimum: number): string {
  const value = environment[name];
  if (value === undefined || value === '') return randomBytes(minimum).toString('base64url');
  if (value.length < minimum) throw new UsageError(`${name} must have ${minimum} characters or more.`);
  return value;
}
