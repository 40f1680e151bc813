import { BlockList, isIPv6 } from 'node:net';
import { azureEndpoint } from '../lib/configure/azure-caches.js';
import { shell } from './azure.js';
import type { Section } from './finding.js';
import { type HostName, type PortOutcome, resolveHost, tryPort } from './probe.js';

/** Resolves the host and connects to each of its addresses. Resolves to those that accept connections. */
export async function checkNetwork(section: Section): Promise<readonly string[]> {
  const name = await resolveHost(section.host, section).catch((error: unknown) => ({
    ...{ addresses: [], aliases: [] },
    failure: error instanceof Error && 'code' in error ? String(error.code) : String(error),
  }));
  reportName(section, name);
  if (name.addresses.length === 0) {
    section.report('port', { skipped: 'The host has no address to connect to.' });
    return [];
  }
  const ports = await Promise.all(name.addresses.map((host) => tryPort({ ...section, host })));
  const open = ports.filter(({ outcome }) => outcome === 'open');
  // Node.js uses whichever of a name's IPv4 and IPv6 addresses answers.
  for (const outcome of open.length > 0 ? open : ports) reportPort(section, outcome);
  return open.map(({ address }) => address);
}

function reportName({ host, report }: Section, { addresses, aliases, failure }: HostName): void {
  const kinds = addresses.map(
    (address) => `${address} (${isPrivateAddress(address) ? 'private' : 'public'})`,
  );
  const via = aliases.length === 0 ? '' : `, via ${aliases.join(', ')}`;
  const resolution = `${host} resolves to ${kinds.join(', ')}${via}.`;
  const link = [host, ...aliases].find((name) => /\.privatelink\./i.test(name)) ?? '';
  const [zone = 'privatelink'] = /privatelink\..*$/i.exec(link) ?? [];
  report('dns', [
    {
      when: failure !== '',
      error: `${host} does not resolve: ${failure}.`,
      why: ['ENOTFOUND', 'ENODATA'].includes(failure)
        ? 'The DNS server has no address for this name.'
        : 'The DNS server did not answer.',
      remedy:
        'Check the spelling of the host name (Azure portal, Overview), and that the DNS server can be reached. With a private endpoint, link its private DNS zone to the virtual network.',
      command: shell`nslookup ${host}`,
      data: { code: failure },
    },
    {
      when: link !== '' && !addresses.every(isPrivateAddress),
      error: `${resolution} The cache has a private endpoint, but its name resolves to the public address here.`,
      why: `${link} must resolve to the private address of the endpoint: the private DNS zone ${zone} is not linked to this network, has no record of the cache, or is not used by the DNS server of this machine.`,
      remedy: `Link the zone ${zone} to the virtual network, and configure its DNS server to forward to 168.63.129.16. Outside the virtual network, use a VPN or a machine inside it.`,
      command: shell`az network private-dns link vnet create --resource-group my-group --zone-name ${zone} --name my-vnet --virtual-network my-vnet --registration-enabled false`,
      data: { addresses, aliases },
    },
    { ok: resolution, data: { addresses, aliases } },
  ]);
}

function reportPort(
  { host, port, stepTimeout, report }: Section,
  { address, outcome, time, reason }: PortOutcome,
): void {
  const where = `${address}:${port}`;
  const expected = azureEndpoint(host)?.port;
  const rightPort =
    expected !== undefined && expected !== port
      ? `Use port ${expected}, the port of this kind of cache.`
      : 'Check the port: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis.';
  const data = { address, port, outcome };
  report('port', [
    {
      when: outcome === 'open',
      ok: `${where} accepted a connection after ${time.toFixed(1)} ms.`,
      data: { ...data, connectTime: time },
    },
    {
      when: outcome === 'closed',
      error: `${where} refuses connections: the port is closed (ECONNREFUSED).`,
      why: 'The machine can be reached, but no program listens on this port.',
      remedy: `${rightPort} With a private endpoint, check that the address is that of the private endpoint.`,
      data,
    },
    {
      when: outcome === 'dropped',
      error: `${where} did not answer within ${stepTimeout} ms: the packets are dropped.`,
      why: 'A closed port would refuse the connection. A firewall, a network security group, a route, or disabled public network access drops the packets.',
      remedy: `Allow outbound TCP to port ${port} on this network. If public network access is disabled, connect through the private endpoint; if the cache has firewall rules, add the address of this machine. ${rightPort}`,
      command: shell`nc -vz ${host} ${String(port)}`,
      data,
    },
    {
      error: `${where} cannot be reached: ${reason}.`,
      remedy: 'Check the network, the routes and the VPN of this machine.',
      data: { ...data, reason },
    },
  ]);
}

/** Addresses that are not routed on the internet. Sources: RFC 1918, 3927, 4193, 4291, 6598. */
const PRIVATE = new BlockList();
PRIVATE.addSubnet('10.0.0.0', 8);
PRIVATE.addSubnet('172.16.0.0', 12);
PRIVATE.addSubnet('192.168.0.0', 16);
PRIVATE.addSubnet('100.64.0.0', 10);
PRIVATE.addSubnet('169.254.0.0', 16);
PRIVATE.addSubnet('127.0.0.0', 8);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');
PRIVATE.addAddress('::1', 'ipv6');

/** Whether an IP address is not reachable from the internet. */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
