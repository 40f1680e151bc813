import type { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';
import type { Output, Style } from '../output.js';
import type { FaultName } from './faults.js';
import { formatDuration } from './flags.js';

/** Something that happened in the emulator; the values of `type` are those of the JSON lines. */
export type Activity = { readonly at: Date } & (
  | { readonly type: 'connection' | 'close'; readonly connection: number }
  | {
      readonly type: 'login' | 'reauthentication';
      readonly connection: number;
      readonly identity: string;
      readonly method: string;
      readonly expiresOn: Date | undefined;
    }
  | {
      readonly type: 'refusal';
      readonly connection: number;
      readonly identity: string;
      readonly method: string;
      readonly reason: string;
    }
  | {
      readonly type: 'eviction';
      readonly connection: number;
      readonly identity: string;
      readonly expiresOn: Date;
    }
  | { readonly type: 'token' | 'refresh'; readonly identity: string; readonly expiresOn: Date }
  | {
      readonly type: 'tokenRefusal';
      readonly path: string;
      readonly status: number;
      readonly errorCode: number | undefined;
    }
  | { readonly type: 'fault'; readonly fault: FaultName; readonly duration: number | undefined }
  | { readonly type: 'recovery'; readonly fault: FaultName }
);

/**
 * Reports what happens in the emulators.
 *
 * @param labels The labels of the identities, by object id.
 */
export function watch(
  azure: AzureRedisEmulator,
  entra: EntraEmulator,
  labels: ReadonlyMap<string, string>,
  report: (activity: Activity) => void,
): void {
  const loggedIn = new Set<number>();
  const acquired = new Set<string>();
  const identityOf = (user: string | undefined): string => labels.get(user ?? '') ?? user ?? 'unknown user';

  azure.on('connection', ({ at, connection }) => {
    report({ type: 'connection', at, connection });
  });
  azure.on('login', ({ at, connection, user, method, expiresOn }) => {
    const type = loggedIn.has(connection) ? 'reauthentication' : 'login';
    loggedIn.add(connection);
    report({ type, at, connection, identity: identityOf(user), method, expiresOn });
  });
  azure.on('refusal', ({ at, connection, user, method, reason }) => {
    report({ type: 'refusal', at, connection, identity: identityOf(user), method, reason });
  });
  azure.on('eviction', ({ at, connection, user, expiresOn }) => {
    report({ type: 'eviction', at, connection, identity: identityOf(user), expiresOn });
  });
  azure.on('close', ({ at, connection }) => {
    loggedIn.delete(connection);
    report({ type: 'close', at, connection });
  });
  entra.on('token', ({ at, objectId, expiresOn }) => {
    const type = acquired.has(objectId) ? 'refresh' : 'token';
    acquired.add(objectId);
    report({ type, at, identity: identityOf(objectId), expiresOn });
  });
  entra.on('request', ({ at, path, status, errorCode }) => {
    if (status >= 400) report({ type: 'tokenRefusal', at, path, status, errorCode });
  });
}

/** The colour of each type of activity. */
const STYLES: Readonly<Record<Activity['type'], Style>> = {
  connection: 'gray',
  close: 'gray',
  login: 'green',
  reauthentication: 'cyan',
  refusal: 'red',
  eviction: 'red',
  token: 'green',
  refresh: 'cyan',
  tokenRefusal: 'red',
  fault: 'yellow',
  recovery: 'yellow',
};

/** Prints an activity: as a line of text, or of JSON. */
export function printActivity(output: Output, activity: Activity): void {
  if (output.isJson) {
    output.json(activity);
    return;
  }
  const time = output.style('gray', timeOf(activity.at));
  output.line(`${time}  ${output.style(STYLES[activity.type], describe(activity))}`);
}

function describe(activity: Activity): string {
  switch (activity.type) {
    case 'connection':
      return `connection ${activity.connection} opened`;
    case 'close':
      return `connection ${activity.connection} closed`;
    case 'login':
      return `connection ${activity.connection} logged in as ${activity.identity} (${activity.method})${untilText(activity.expiresOn)}`;
    case 'reauthentication':
      return `connection ${activity.connection} re-authenticated as ${activity.identity}${untilText(activity.expiresOn)}`;
    case 'refusal':
      return `connection ${activity.connection} refused, ${activity.identity} (${activity.method}): ${activity.reason}`;
    case 'eviction':
      return `connection ${activity.connection} evicted: the token of ${activity.identity} expired`;
    case 'token':
      return `token issued to ${activity.identity}${untilText(activity.expiresOn)}`;
    case 'refresh':
      return `token refreshed for ${activity.identity}${untilText(activity.expiresOn)}`;
    case 'tokenRefusal':
      return `token request refused: ${activity.errorCode === undefined ? `HTTP ${activity.status}` : `AADSTS${activity.errorCode}`} (${activity.path})`;
    case 'fault':
      return `fault: ${activity.fault}${activity.duration === undefined ? '' : ` for ${formatDuration(activity.duration)}`}`;
    case 'recovery':
      return `recovered: ${activity.fault}`;
  }
}

function untilText(expiresOn: Date | undefined): string {
  return expiresOn === undefined ? '' : ` until ${timeOf(expiresOn)}`;
}

/** The local time of day. */
function timeOf(date: Date): string {
  return date.toTimeString().slice(0, 8);
}
