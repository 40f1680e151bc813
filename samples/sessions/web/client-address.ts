import ipaddr from 'ipaddr.js';

/**
 * An address as a proxy or Node.js has it, in its usual form; nothing if it is none. Application Gateway and App Service add the
 * port, which differs for each connection: `203.0.113.7:50123`, `[2001:db8::1]:50123`.
 */
export function addressOf(text: string): string | undefined {
  const [, bracketed, withPort] = /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text.trim()) ?? [];
  const address = bracketed ?? withPort ?? text.trim();
  // Four parts: the library takes older notations, too, such as 1 for 0.0.0.1.
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined;
  // Gives the IPv4 address in ::ffff:203.0.113.7.
  return ipaddr.process(address.replace(/%.*/, '')).toString();
}

/** What is counted together: an IPv4 address, or the /64 network of an IPv6 address, which belongs to one customer. */
export function networkOf(text: string): string {
  const address = addressOf(text);
  if (address === undefined) return 'unknown';
  return ipaddr.IPv4.isValid(address)
    ? address
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()}/64`;
}
