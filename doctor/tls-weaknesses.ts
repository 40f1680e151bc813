import type { ConnectionOptions } from 'node:tls';
import { isLoopback } from '../lib/ioredis/transport-security.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import { openTls, plainAnswer } from './tls-probe.js';

const OLD_VERSIONS = ['TLSv1', 'TLSv1.1'] as const;

/** A version of TLS that must be refused. */
export type OldVersion = (typeof OLD_VERSIONS)[number];

/** OpenSSL 3 allows the ciphers of TLS 1.0 and 1.1 at this level only. */
const OLD_CIPHERS = 'DEFAULT@SECLEVEL=0';

const DEFAULT_PLAIN_PORT = 6379;

/** The outdated versions that the endpoint accepts. */
export async function acceptedOldVersions(
  context: DiagnosisContext,
  tls: ConnectionOptions,
): Promise<OldVersion[]> {
  const accepted = await Promise.all(
    OLD_VERSIONS.map(async (version) =>
      (await acceptsVersion(context, tls, version)) ? version : undefined,
    ),
  );
  return accepted.filter((version) => version !== undefined);
}

async function acceptsVersion(
  context: DiagnosisContext,
  { servername }: ConnectionOptions,
  version: OldVersion,
): Promise<boolean> {
  try {
    const socket = await openTls(
      context,
      {
        ...(servername !== undefined && { servername }),
        minVersion: version,
        maxVersion: version,
        ciphers: OLD_CIPHERS,
        rejectUnauthorized: false,
      },
      context,
    );
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

/** The versions in words: TLS 1.0 and TLS 1.1. */
export function namesOf(versions: readonly OldVersion[]): string {
  return versions.map((version) => (version === 'TLSv1' ? 'TLS 1.0' : 'TLS 1.1')).join(' and ');
}

/** Reports the outdated versions that are still accepted. */
export function reportOldVersions(
  { az }: DiagnosisContext,
  old: readonly OldVersion[],
  report: SectionReport,
): void {
  if (old.length === 0) {
    report.ok('old-versions', 'TLS 1.0 and 1.1 are refused.');
    return;
  }
  report.warning('old-versions', `The endpoint still accepts ${namesOf(old)}.`, {
    severity: 'medium',
    why: 'These versions have known weaknesses; other clients may use them.',
    remedy: 'Require TLS 1.2 at the cache.',
    command: az.requireModernTls,
    data: { versions: old },
  });
}

/** The ports that must not be served without TLS. On a loopback host, 6379 is rarely a port of the cache. */
export function plainPorts({ host, port, options: { plainPort } }: DiagnosisContext): number[] {
  const known = plainPort ?? (isLoopback(host) ? undefined : DEFAULT_PLAIN_PORT);
  return [...new Set([port, ...(known === undefined ? [] : [known])])];
}

/** Redis answers PING with +PONG or, before a login, with -NOAUTH; TLS answers with an alert, or not at all. */
export async function portsWithoutTls(
  context: DiagnosisContext,
  ports: readonly number[],
): Promise<number[]> {
  const { host } = context;
  const answers = await Promise.all(ports.map((port) => plainAnswer({ host, port }, context)));
  return ports.filter((_, index) => /^[+-]/.test(answers[index] ?? ''));
}

/** Reports the ports where Redis answers without TLS. */
export function reportPlainPorts(
  { az }: DiagnosisContext,
  ports: readonly number[],
  plain: readonly number[],
  report: SectionReport,
): void {
  if (plain.length === 0) {
    report.ok('plain-port', `Redis does not answer without TLS on port ${ports.join(' or ')}.`, {
      data: { ports },
    });
    return;
  }
  report.warning('plain-port', `Redis answers without TLS on port ${plain.join(' and ')}.`, {
    severity: 'high',
    why: 'A client without TLS sends its token or key and all data unencrypted.',
    remedy: 'Disable access without TLS.',
    command: az.disablePlainPort,
    data: { ports: plain },
  });
}
