import { isIP } from 'node:net';

/** The channel on which Azure Cache for Redis announces maintenance. Source: aka.ms/redis/maintenanceevents. */
export const MAINTENANCE_CHANNEL = 'AzureRedisEvents';

const TYPES = [
  'NodeMaintenanceScheduled',
  'NodeMaintenanceStarting',
  'NodeMaintenanceStart',
  'NodeMaintenanceEnded',
  'NodeMaintenanceFailoverComplete',
  'NodeMaintenanceScaleComplete',
] as const;

/**
 * What happens to a node of the cache:
 *
 * - `NodeMaintenanceScheduled`: it will be maintained, up to 15 minutes from now.
 * - `NodeMaintenanceStarting`: in about 20 s.
 * - `NodeMaintenanceStart`: within 5 s.
 * - `NodeMaintenanceFailoverComplete`: its replica has become the primary.
 * - `NodeMaintenanceEnded`: it is back.
 * - `NodeMaintenanceScaleComplete`: nodes have been added to a cluster, or removed.
 * - `Unknown`: a type that this version does not know; see `message`.
 */
export type MaintenanceType = (typeof TYPES)[number] | 'Unknown';

/** An announcement of Azure that a node of the cache is, or will be, maintained. */
export interface MaintenanceEvent {
  /** What happens to the node. */
  readonly type: MaintenanceType;
  /** When it starts, if announced. */
  readonly startTime?: Date;
  /** Whether the node is a replica. */
  readonly isReplica: boolean;
  /** The node's IP address, if announced. */
  readonly address?: string;
  /** The port for TLS of the node. */
  readonly sslPort?: number;
  /** The port for plain TCP of the node. */
  readonly nonSslPort?: number;
  /** The message as Azure sent it. */
  readonly message: string;
}

/** Parses a message of Azure: alternating names and values, separated by `|`; `undefined` for any other message. */
export function parseMaintenanceEvent(message: string): MaintenanceEvent | undefined {
  const fields = fieldsOf(message);
  const type = fields.get('NotificationType');
  if (!type) return undefined;
  const startTime = timeOf(fields.get('StartTimeInUTC'));
  const address = fields.get('IPAddress') ?? '';
  const sslPort = portOf(fields.get('SSLPort'));
  const nonSslPort = portOf(fields.get('NonSSLPort'));
  return {
    type: typeOf(type),
    ...(startTime && { startTime }),
    isReplica: fields.get('IsReplica')?.toLowerCase() === 'true',
    ...(isIP(address) > 0 && { address }),
    ...(sslPort !== undefined && { sslPort }),
    ...(nonSslPort !== undefined && { nonSslPort }),
    message,
  };
}

function fieldsOf(message: string): Map<string, string> {
  const parts = message.split('|');
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < parts.length; index += 2) {
    fields.set(parts[index] ?? '', parts[index + 1] ?? '');
  }
  return fields;
}

function typeOf(text: string): MaintenanceType {
  // Older servers send this name. Source: AzureMaintenanceEvent of StackExchange.Redis.
  if (text === 'NodeMaintenanceFailover') return 'NodeMaintenanceFailoverComplete';
  return TYPES.find((type) => type === text) ?? 'Unknown';
}

/** Azure sends the time in UTC, without a suffix that says so. */
function timeOf(text = ''): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) return undefined;
  const time = new Date(`${text}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function portOf(text = ''): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
