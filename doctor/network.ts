import { connect } from 'node:net';
import { azureEndpoint } from '../lib/configure/azure-endpoints.js';
import { isPrivateAddress } from './addresses.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { Resolution } from './resolver.js';

/** The result of the network section. */
export interface NetworkResult {
  /** The addresses that accept connections. */
  readonly reachable: readonly string[];
}

/** The result of an attempt to connect. */
type Outcome =
  | { readonly kind: 'open'; readonly time: number }
  | { readonly kind: 'refused' | 'silent' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Resolves the host and connects to each of its addresses. */
export async function checkNetwork(context: DiagnosisContext, report: SectionReport): Promise<NetworkResult> {
  const resolution = await resolveHost(context, report);
  if (!resolution) {
    report.skipped('port', 'The host has no address to connect to.');
    return { reachable: [] };
  }
  return checkPort(context, resolution.addresses, report);
}

async function resolveHost(
  { host, resolve }: DiagnosisContext,
  report: SectionReport,
): Promise<Resolution | undefined> {
  try {
    const resolution = await resolve(host);
    if (resolution.addresses.length === 0) throw new Error('no address');
    reportResolution(host, resolution, report);
    return resolution;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    report.error('dns', `${host} does not resolve: ${code}.`, {
      severity: 'high',
      why:
        code === 'ENOTFOUND' || code === 'ENODATA'
          ? 'The DNS server has no address for this name.'
          : 'The DNS server did not answer.',
      remedy:
        'Check the spelling of the host name (Azure portal, Overview), and that the DNS server can be reached. With a private endpoint, link its private DNS zone to the virtual network.',
      command: `nslookup ${host}`,
      data: { code },
    });
    return undefined;
  }
}

function reportResolution(host: string, { addresses, aliases }: Resolution, report: SectionReport): void {
  const described = addresses.map(
    (address) => `${address} (${isPrivateAddress(address) ? 'private' : 'public'})`,
  );
  const via = aliases.length === 0 ? '' : `, via ${aliases.join(', ')}`;
  const message = `${host} resolves to ${described.join(', ')}${via}.`;
  const data = { addresses, aliases };
  const link = [host, ...aliases].find((name) => /\.privatelink\./i.test(name));
  if (link === undefined || addresses.every(isPrivateAddress)) {
    report.ok('dns', message, { data });
    return;
  }
  const zone = /privatelink\..*$/i.exec(link)?.[0] ?? link;
  report.error(
    'dns',
    `${message} The cache has a private endpoint, but its name resolves to the public address here.`,
    {
      severity: 'high',
      why: `${link} must resolve to the private address of the endpoint: the private DNS zone ${zone} is not linked to this network, has no record of the cache, or is not used by the DNS server of this machine.`,
      remedy: `Link the zone ${zone} to the virtual network, and configure its DNS server to forward to 168.63.129.16. Outside the virtual network, use a VPN or a machine inside it.`,
      command: `az network private-dns link vnet create --resource-group my-group --zone-name ${zone} --name my-vnet --virtual-network my-vnet --registration-enabled false`,
      data,
    },
  );
}

async function checkPort(
  context: DiagnosisContext,
  addresses: readonly string[],
  report: SectionReport,
): Promise<NetworkResult> {
  const { port } = context;
  const outcomes = await Promise.all(
    addresses.map(async (address) => ({ address, outcome: await tryPort(address, port, context) })),
  );
  const open = outcomes.filter(({ outcome }) => outcome.kind === 'open');
  // Of a name with an IPv4 and an IPv6 address, Node.js uses the one that answers.
  const relevant = open.length > 0 ? open : outcomes;
  for (const { address, outcome } of relevant) reportPort(context, address, outcome, report);
  return { reachable: open.map(({ address }) => address) };
}

function reportPort(
  { host, port, timeout }: DiagnosisContext,
  address: string,
  outcome: Outcome,
  report: SectionReport,
): void {
  const where = `${address}:${port}`;
  const expected = azureEndpoint(host)?.port;
  const portHint =
    expected !== undefined && expected !== port
      ? `Use port ${expected}, the port of this kind of cache.`
      : 'Check the port: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis.';
  switch (outcome.kind) {
    case 'open':
      report.ok('port', `${where} accepted a connection after ${outcome.time.toFixed(1)} ms.`, {
        data: { address, port, outcome: 'open', connectTime: outcome.time },
      });
      return;
    case 'refused':
      report.error('port', `${where} refuses connections: the port is closed (ECONNREFUSED).`, {
        severity: 'high',
        why: 'The machine can be reached, but no program listens on this port.',
        remedy: `${portHint} With a private endpoint, check that the address is that of the private endpoint.`,
        data: { address, port, outcome: 'closed' },
      });
      return;
    case 'silent':
      report.error('port', `${where} did not answer within ${timeout} ms: the packets are dropped.`, {
        severity: 'high',
        why: 'A closed port would refuse the connection. A firewall, a network security group, a route, or disabled public network access drops the packets.',
        remedy: `Allow outbound TCP to port ${port} on this network. If public network access is disabled, connect through the private endpoint; if the cache has firewall rules, add the address of this machine. ${portHint}`,
        command: `nc -vz ${host} ${port}`,
        data: { address, port, outcome: 'dropped' },
      });
      return;
    case 'failed':
      report.error('port', `${where} cannot be reached: ${outcome.reason}.`, {
        severity: 'high',
        remedy: 'Check the network, the routes and the VPN of this machine.',
        data: { address, port, outcome: 'unreachable', reason: outcome.reason },
      });
  }
}

/** Connects once; never rejects. */
export function tryPort(
  address: string,
  port: number,
  { timeout, signal }: Pick<DiagnosisContext, 'timeout' | 'signal'>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const start = performance.now();
    const socket = connect({ host: address, port, signal });
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      // A busy process may have the answer already: its input is handled first.
      setImmediate(finish, { kind: 'silent' });
    }, timeout);
    socket.once('connect', () => {
      finish({ kind: 'open', time: performance.now() - start });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') finish({ kind: 'refused' });
      else if (error.code === 'ETIMEDOUT') finish({ kind: 'silent' });
      else finish({ kind: 'failed', reason: error.code ?? error.message });
    });
  });
}
