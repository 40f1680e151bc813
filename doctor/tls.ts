import { checkServerIdentity, type ConnectionOptions, type DetailedPeerCertificate } from 'node:tls';
import { messageOf } from '../lib/redaction.js';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import { inspectTls, type Handshake } from './tls-probe.js';
import {
  acceptedOldVersions,
  namesOf,
  type OldVersion,
  plainPorts,
  portsWithoutTls,
  reportOldVersions,
  reportPlainPorts,
} from './tls-weaknesses.js';

/** The result of the TLS section. */
export interface TlsResult {
  /** Whether a token may be sent: TLS 1.2 or newer, and a certificate that is valid for the cache. */
  readonly isSecure: boolean;
}

/** The days before its expiry from which a certificate is reported. Azure replaces its certificates weeks before. */
const EXPIRES_SOON = 14;

const DAY = 86_400_000;

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate authority is unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate authority is unknown',
};

/** Checks TLS versions and the certificate, and that the cache does not answer without TLS. */
export async function checkTls(context: DiagnosisContext, report: SectionReport): Promise<TlsResult> {
  const { tls } = context;
  if (!tls) {
    report.skipped('version', 'TLS is not used (`tls: false`): the connection stays on this machine.');
    return { isSecure: true };
  }
  const ports = plainPorts(context);
  const [handshake, old, plain] = await Promise.all([
    inspect(context, tls),
    acceptedOldVersions(context, tls),
    portsWithoutTls(context, ports),
  ]);
  const isSecure = reportHandshake(context, tls, handshake, old, report);
  if (!(handshake instanceof Error)) reportOldVersions(context, old, report);
  reportPlainPorts(context, ports, plain, report);
  return { isSecure };
}

function inspect(context: DiagnosisContext, tls: ConnectionOptions): Promise<Handshake | Error> {
  return inspectTls(context, tls, context).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
}

function reportHandshake(
  context: DiagnosisContext,
  tls: ConnectionOptions,
  handshake: Handshake | Error,
  old: readonly OldVersion[],
  report: SectionReport,
): boolean {
  if (handshake instanceof Error) {
    reportFailedHandshake(context, handshake, old, report);
    return false;
  }
  const { protocol, cipher, certificate, authorizationError } = handshake;
  report.ok('version', `${protocol} with ${cipher}.`, { data: { protocol, cipher } });
  const isTrusted = reportTrust(certificate, authorizationError, report);
  const isNamed = reportName(context, tls, certificate, report);
  const isCurrent = reportExpiry(certificate, report);
  return isTrusted && isNamed && isCurrent;
}

function reportFailedHandshake(
  { host, port, az }: DiagnosisContext,
  error: Error,
  old: readonly OldVersion[],
  report: SectionReport,
): void {
  const code = 'code' in error ? String(error.code) : '';
  if (old.length > 0) {
    report.error('version', `The endpoint supports ${namesOf(old)} only.`, {
      severity: 'high',
      why: 'Versions before TLS 1.2 have known weaknesses, and are not used by this package.',
      remedy: 'Require TLS 1.2 at the cache, or at the proxy in front of it.',
      command: az.requireModernTls,
      data: { versions: old },
    });
    return;
  }
  report.error(
    'version',
    `The TLS handshake with ${host}:${port} failed: ${code || sentence(error.message)}.`,
    {
      severity: 'high',
      why:
        code === 'ETIMEDOUT'
          ? 'The port accepts connections but does not answer: it is not a TLS port, or a firewall drops the traffic.'
          : 'The port accepts connections but does not use TLS, or a firewall or proxy ends the connection.',
      remedy:
        'Check the port: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis; 6379 has no TLS. Exclude the cache from TLS inspection by firewalls and proxies.',
      command: `openssl s_client -connect ${host}:${port} -servername ${host}`,
      data: { code, reason: messageOf(error) },
    },
  );
}

function reportTrust(
  certificate: DetailedPeerCertificate,
  authorizationError: string | undefined,
  report: SectionReport,
): boolean {
  const chain = chainOf(certificate);
  const data = { chain, fingerprint256: certificate.fingerprint256 };
  if (authorizationError === undefined) {
    report.ok('chain', `The certificate chain is trusted: ${chain.join(' ← ')}.`, { data });
    return true;
  }
  // It is checked separately, and hides whether the authority is known.
  if (/EXPIRED|NOT_YET_VALID/.test(authorizationError)) {
    report.skipped('chain', `The certificate chain, ${chain.join(' ← ')}, is outside its validity period.`, {
      data,
    });
    return false;
  }
  const reason = REASONS[authorizationError] ?? authorizationError;
  report.error('chain', `The certificate chain ${chain.join(' ← ')} is not trusted: ${reason}.`, {
    severity: 'high',
    why: 'The server may not be the cache, and could misuse a token.',
    remedy:
      'If a proxy or firewall intercepts TLS, exclude the cache from interception. For a private certificate authority, set `tls.ca` (`--ca FILE`). On an old system, update the root certificates (Azure uses DigiCert Global Root G2).',
    data: { ...data, code: authorizationError },
  });
  return false;
}

function reportName(
  { host }: DiagnosisContext,
  tls: ConnectionOptions,
  certificate: DetailedPeerCertificate,
  report: SectionReport,
): boolean {
  const expected = tls.servername ?? host;
  const names = (certificate.subjectaltname ?? String(certificate.subject.CN)).replaceAll(
    /DNS:|IP Address:/g,
    '',
  );
  const mismatch = (tls.checkServerIdentity ?? checkServerIdentity)(expected, certificate);
  if (!mismatch) {
    report.ok('name', `The certificate is valid for ${expected}; its names are ${names}.`, {
      data: { names },
    });
    return true;
  }
  report.error('name', `The certificate is not valid for ${expected}; its names are ${names}.`, {
    severity: 'high',
    why: 'The host is an IP address or an alias of the cache, or another server answers.',
    remedy:
      'Use the host name of the cache (Azure portal, Overview), also with a private endpoint: its DNS zone resolves the name to the private address. If the names differ intentionally, set `tls.servername`.',
    data: { names, expected },
  });
  return false;
}

function reportExpiry({ valid_from, valid_to }: DetailedPeerCertificate, report: SectionReport): boolean {
  const now = Date.now();
  const from = new Date(valid_from);
  const until = new Date(valid_to);
  const data = { validFrom: from, validTo: until };
  if (until.getTime() <= now || from.getTime() > now) {
    const when =
      until.getTime() <= now
        ? `expired on ${until.toISOString()}`
        : `is valid only from ${from.toISOString()}`;
    report.error('expiry', `The certificate ${when}.`, {
      severity: 'high',
      remedy:
        'Check the clock of this machine. If it is correct, renew the certificate of the server in front of the cache; Azure renews its own.',
      data,
    });
    return false;
  }
  const days = Math.floor((until.getTime() - now) / DAY);
  const message = `The certificate expires on ${until.toISOString()}, in ${days} days.`;
  if (days >= EXPIRES_SOON) report.ok('expiry', message, { data });
  else {
    report.warning('expiry', message, {
      severity: 'medium',
      why: 'New connections fail after that.',
      remedy:
        'Azure renews its certificates weeks before their expiry. Renew the certificate of your own server.',
      data,
    });
  }
  return true;
}

/** The subject and its issuers, up to the root. */
function chainOf(certificate: DetailedPeerCertificate): string[] {
  const names: string[] = [];
  const seen = new Set<string>();
  // A root is its own issuer; the issuer is absent if unknown, unlike in its type.
  let current: Partial<DetailedPeerCertificate> | undefined = certificate;
  while (current?.fingerprint256 !== undefined && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256);
    names.push(nameOf(current.subject));
    if (!current.issuerCertificate) names.push(nameOf(current.issuer));
    current = current.issuerCertificate;
  }
  return names;
}

function nameOf(subject: DetailedPeerCertificate['subject'] | undefined): string {
  const { CN, O } = subject ?? {};
  return String(CN ?? O ?? 'an unnamed authority');
}
