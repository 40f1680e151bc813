import ipaddr from 'ipaddr.js';

/**
 * The address whose requests are counted together: an IPv4 address, or the /64 network of an IPv6 address, all of which
 * belongs to one customer of a provider. Whatever is no address is `unknown`.
 *
 * @param text As Node.js or a proxy has it. Application Gateway and App Service add the port, which differs for each
 *   connection: `203.0.113.7:50123`, `[2001:db8::1]:50123`.
 */
export function clientAddress(text: string): string {
  const [, bracketed, withPort] = /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text.trim()) ?? [];
  const address = bracketed ?? withPort ?? text.trim();
  if (!ipaddr.isValid(address) || /^\d+$/.test(address)) return 'unknown';
  // Gives the IPv4 address in ::ffff:203.0.113.7.
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString().split('%')[0] ?? ''}/64`).toString()}/64`;
}
