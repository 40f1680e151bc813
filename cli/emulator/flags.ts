import { InvalidArgumentError } from 'commander';
import type { ClusterSize, Product, Role } from 'ioredis-azure/emulator';

/** The values of the flags of `emulator`. */
export interface EmulatorFlags {
  readonly port?: number;
  readonly entraPort: number;
  readonly metadataPort: number;
  readonly bind?: string;
  readonly hostname?: string;
  readonly product: Product;
  readonly role: RoleFlag;
  readonly tokenLifetime: number;
  readonly idleTimeout?: number;
  readonly cluster?: Required<ClusterSize>;
  readonly redisVersion?: string;
  readonly upstream?: HostAndPort;
  readonly upstreamPassword?: string;
  readonly env?: string | true;
  readonly envIdentity: EnvironmentIdentity;
  readonly name?: string;
  readonly background?: boolean;
  readonly json?: boolean;
}

/** The names that `--role` accepts, besides access strings. */
export const ROLES = {
  default: 'default',
  'data-owner': 'Data Owner',
  'data-contributor': 'Data Contributor',
  'data-reader': 'Data Reader',
  none: undefined,
} as const satisfies Record<string, Role | undefined>;

/** A value of `--role`: a name, or an access string. */
export type RoleFlag = string;

/** The role that the flag stands for. */
export function roleOf(flag: RoleFlag): Role | undefined {
  return flag in ROLES ? ROLES[flag as keyof typeof ROLES] : (flag as Role);
}

export function parseRole(text: string): RoleFlag {
  if (text in ROLES || /^[+~&%-]/.test(text)) return text;
  throw new InvalidArgumentError(
    `It must be ${Object.keys(ROLES).join(', ')} or an access string, such as '+@read ~app:*'.`,
  );
}

/** The identity that the variables of `--env` select. */
export type EnvironmentIdentity = 'managed-identity' | 'service-principal';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration such as 500ms, 60s, 5m or 1h, in ms. */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (number === undefined || factor === undefined) {
    throw new InvalidArgumentError('It must be a number with a unit, such as 500ms, 60s, 5m or 1h.');
  }
  return Number(number) * factor;
}

/** A duration as a flag has it: 90000 ms as 90s. */
export function formatDuration(ms: number): string {
  const unit = ['h', 'm', 's'].find((candidate) => ms > 0 && ms % (UNITS[candidate] ?? 1) === 0) ?? 'ms';
  return `${ms / (UNITS[unit] ?? 1)}${unit}`;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port from 1 to 65535, or 0 for a free one.');
}

/** Masters x replicas of each: 3x1. */
export function parseClusterSize(text: string): Required<ClusterSize> {
  const [, masters = '', replicas = '0'] = /^(\d{1,3})(?:x(\d{1,2}))?$/.exec(text) ?? [];
  if (Number(masters) > 0) return { masters: Number(masters), replicas: Number(replicas) };
  throw new InvalidArgumentError('It must be masters x replicas of each, such as 3x1.');
}

export function parseHostAndPort(text: string): HostAndPort {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  const isAddress = url?.hostname && url.port && url.host === text.toLowerCase();
  if (isAddress) return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
  throw new InvalidArgumentError('It must be HOST:PORT, such as localhost:6379.');
}

export function parseRedisVersion(text: string): string {
  if (/^\d+(\.\d+){0,2}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a version, such as 7, 7.2 or 7.2.4.');
}
