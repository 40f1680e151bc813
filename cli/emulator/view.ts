import type { Output, Style } from '../output.js';
import type { Activity } from './activity.js';
import { formatDuration } from './flags.js';

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
