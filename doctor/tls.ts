import { checkServerIdentity } from 'node:tls';
import { isLoopback } from '../lib/ioredis/tls.js';
import { messageOf } from '../lib/redaction.js';
import { shell, withoutTls } from './azure.js';
import { type Section, sentence } from './finding.js';
import type { Context } from './options.js';
import { acceptsVersion, answersWithoutTls, type Handshake, inspectTls } from './probe.js';

/** A port that must not be served without TLS. */
interface PlainPort {
  readonly port: number;
  /** Whether Redis answers there without TLS. */
  readonly answers: boolean;
}

/** The days before its expiry from which a certificate is reported. Azure replaces its certificates weeks before. */
const EXPIRES_SOON = 14;

const DAY = 86_400_000;

const DEFAULT_PLAIN_PORT = 6379;

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate of an authority has expired',
  CERT_NOT_YET_VALID: 'the certificate of an authority is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate authority is unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate authority is unknown',
};

/**
 * Checks TLS versions and the certificate, and that the cache does not answer without TLS. Resolves to whether a token may
 * be sent: over TLS 1.2 or newer, to the cache that the certificate is valid for.
 */
export async function checkTls(section: Section): Promise<boolean> {
  if (!section.tls) {
    section.report('version', {
      skipped: 'TLS is not used (`tls: false`): the connection stays on this machine.',
    });
    return true;
  }
  const [handshake, oldVersions, ports] = await Promise.all([
    inspectTls(section).catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    ),
    findOldVersions(section),
    findPlainPorts(section),
  ]);
  if (handshake instanceof Error) {
    reportFailure(section, handshake, oldVersions, ports);
    const otherPorts = ports.filter(({ port }) => port !== section.port);
    reportPlainPorts(section, otherPorts);
    return false;
  }
  const isSecure = reportHandshake(section, handshake);
  reportOldVersions(section, oldVersions);
  reportPlainPorts(section, ports);
  return isSecure;
}

/** The outdated versions of TLS that the endpoint accepts. */
async function findOldVersions(context: Context): Promise<string[]> {
  const [tls10, tls11] = await Promise.all([
    acceptsVersion('TLSv1', context),
    acceptsVersion('TLSv1.1', context),
  ]);
  return [...(tls10 ? ['TLS 1.0'] : []), ...(tls11 ? ['TLS 1.1'] : [])];
}

async function findPlainPorts(context: Context): Promise<PlainPort[]> {
  const { host, port: own, options } = context;
  // On a loopback host, 6379 is rarely a port of the cache.
  const plain = options.plainPort ?? (isLoopback(host) ? own : DEFAULT_PLAIN_PORT);
  return Promise.all(
    [...new Set([own, plain])].map(async (port) => ({
      port,
      answers: await answersWithoutTls({ ...context, port }),
    })),
  );
}

function reportFailure(
  { host, port, az, report }: Section,
  error: Error,
  oldVersions: readonly string[],
  ports: readonly PlainPort[],
): void {
  const code = 'code' in error ? String(error.code) : '';
  report('version', [
    {
      when: ports.some((each) => each.port === port && each.answers),
      error: `Redis answers without TLS on ${host}:${port}: it is not a TLS port.`,
      ...withoutTls(az),
      remedy:
        'Use the TLS port, 10000 for Azure Managed Redis and 6380 for Azure Cache for Redis, and disable access without TLS.',
    },
    {
      when: oldVersions.length > 0,
      error: `The endpoint supports ${oldVersions.join(' and ')} only.`,
      why: 'Versions before TLS 1.2 have known weaknesses, and are not used by this package.',
      remedy: 'Require TLS 1.2 at the cache, or at the proxy in front of it.',
      command: az?.requireModernTls,
      data: { versions: oldVersions },
    },
    {
      error: `The TLS handshake with ${host}:${port} failed: ${sentence(code || error.message)}`,
      why:
        code === 'ETIMEDOUT'
          ? 'The port accepts connections but does not answer: it is not a TLS port, or a firewall drops the traffic.'
          : 'The port accepts connections but does not use TLS, or a firewall or proxy ends the connection.',
      remedy:
        'Check the port: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis; 6379 has no TLS. Exclude the cache from TLS inspection by firewalls and proxies.',
      command: shell`openssl s_client -connect ${`${host}:${port}`} -servername ${host}`,
      data: { code, reason: messageOf(error) },
    },
  ]);
}

/** Returns whether a token may be sent over such a connection. */
function reportHandshake(
  { host, tls, report }: Section,
  { protocol, cipher, certificate, chain, distrust }: Handshake,
): boolean {
  const path = chain.join(' ← ');
  const names = certificate.subjectaltname ?? String(certificate.subject.CN);
  const expected = tls?.servername ?? host;
  const isNamed = !(tls?.checkServerIdentity ?? checkServerIdentity)(expected, certificate);
  const validity = `its names are ${names.replaceAll(/DNS:|IP Address:/g, '')}`;
  const [from, until] = [new Date(certificate.valid_from), new Date(certificate.valid_to)];
  const daysLeft = (until.getTime() - Date.now()) / DAY;
  const isOutdated = daysLeft < 0 || from.getTime() > Date.now();
  const expiry = `The certificate expires on ${until.toISOString()}, in ${Math.floor(daysLeft)} days.`;
  const chainData = { chain, fingerprint256: certificate.fingerprint256 };
  const expiryData = { validFrom: from, validTo: until };
  report('version', { ok: `${protocol} with ${cipher}.`, data: { protocol, cipher } });
  report('chain', [
    { when: distrust === '', ok: `The certificate chain is trusted: ${path}.`, data: chainData },
    {
      // The expiry is a check of its own, and hides whether the authority is known.
      when: isOutdated && /EXPIRED|NOT_YET_VALID/.test(distrust),
      skipped: `The certificate chain, ${path}, is outside its validity period.`,
      data: chainData,
    },
    {
      error: `The certificate chain ${path} is not trusted: ${REASONS[distrust] ?? distrust}.`,
      why: 'The server may not be the cache, and could misuse a token.',
      remedy:
        'If a proxy or firewall intercepts TLS, exclude the cache from interception. For a private certificate authority, set `tls.ca` (`--ca FILE`). On an old system, update the root certificates (Azure uses DigiCert Global Root G2).',
      data: { ...chainData, code: distrust },
    },
  ]);
  report('name', [
    { when: isNamed, ok: `The certificate is valid for ${expected}; ${validity}.`, data: { names } },
    {
      error: `The certificate is not valid for ${expected}; ${validity}.`,
      why: 'The host is an IP address or an alias of the cache, or another server answers.',
      remedy:
        'Use the host name of the cache (Azure portal, Overview), also with a private endpoint: its DNS zone resolves the name to the private address. If the names differ intentionally, set `tls.servername`.',
      data: { names, expected },
    },
  ]);
  report('expiry', [
    {
      when: isOutdated,
      error:
        daysLeft < 0
          ? `The certificate expired on ${until.toISOString()}.`
          : `The certificate is valid only from ${from.toISOString()}.`,
      remedy:
        'Check the clock of this machine. If it is correct, renew the certificate of the server in front of the cache; Azure renews its own.',
      data: expiryData,
    },
    {
      when: daysLeft < EXPIRES_SOON,
      warning: expiry,
      why: 'New connections fail after that.',
      remedy:
        'Azure renews its certificates weeks before their expiry. Renew the certificate of your own server.',
      data: expiryData,
    },
    { ok: expiry, data: expiryData },
  ]);
  return distrust === '' && isNamed && !isOutdated;
}

function reportOldVersions({ az, report }: Section, oldVersions: readonly string[]): void {
  report('old-versions', [
    { when: oldVersions.length === 0, ok: 'TLS 1.0 and 1.1 are refused.' },
    {
      warning: `The endpoint still accepts ${oldVersions.join(' and ')}.`,
      why: 'These versions have known weaknesses; other clients may use them.',
      remedy: 'Require TLS 1.2 at the cache.',
      command: az?.requireModernTls,
      data: { versions: oldVersions },
    },
  ]);
}

function reportPlainPorts({ az, report }: Section, given: readonly PlainPort[]): void {
  const ports = given.map(({ port }) => port);
  const plainPorts = given.filter(({ answers }) => answers).map(({ port }) => port);
  report('plain-port', [
    {
      when: plainPorts.length > 0,
      warning: `Redis answers without TLS on port ${plainPorts.join(' and ')}.`,
      ...withoutTls(az),
      data: { ports: plainPorts },
    },
    {
      when: ports.length > 0,
      ok: `Redis does not answer without TLS on port ${ports.join(' or ')}.`,
      data: { ports },
    },
  ]);
}
