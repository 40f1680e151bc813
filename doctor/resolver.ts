import { lookup as systemLookup, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';

/** The addresses and aliases of a name. */
export interface Resolution {
  readonly addresses: readonly string[];
  /** The CNAME records from the name to that of the addresses, in order. */
  readonly aliases: readonly string[];
}

/** The longest chain of aliases that is followed. */
const MAX_ALIASES = 8;

/** Resolves names with the system, as sockets of Node.js do, or with the DNS servers given. */
export function createResolver(
  servers: readonly string[] | undefined,
  timeout: number,
  signal: AbortSignal,
): (host: string) => Promise<Resolution> {
  return async (host) => {
    if (isIP(host) !== 0) return { addresses: [host], aliases: [] };
    const resolver = new Resolver({ timeout, tries: 1 });
    if (servers) resolver.setServers(servers);
    const cancel = (): void => {
      resolver.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const [addresses, aliases] = await Promise.all([
        servers ? queryAddresses(resolver, host) : systemAddresses(host),
        queryAliases(resolver, host),
      ]);
      return { addresses, aliases };
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

/** The `lookup` of sockets that connect to the addresses of `resolve`. */
export function lookupWith(resolve: (host: string) => Promise<Resolution>): LookupFunction {
  return (host, options, callback) => {
    const { family = 0, all } = options;
    resolve(host).then(
      ({ addresses }) => {
        const found = addresses
          .map((address) => ({ address, family: isIP(address) }))
          .filter(
            (entry) => family === 0 || `IPv${entry.family}` === `IPv${String(family).replace('IPv', '')}`,
          );
        if (all === true) callback(null, found);
        else callback(null, found[0]?.address ?? '', found[0]?.family ?? 0);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), '', 0);
      },
    );
  };
}

async function systemAddresses(host: string): Promise<string[]> {
  const entries = await systemLookup(host, { all: true });
  return entries.map(({ address }) => address);
}

async function queryAddresses(resolver: Resolver, host: string): Promise<string[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = [four, six].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
  return addresses;
}

/** Aliases only explain an address: an error of this query is not a fault. */
async function queryAliases(resolver: Resolver, host: string): Promise<string[]> {
  const aliases: string[] = [];
  let name = host;
  while (aliases.length < MAX_ALIASES) {
    const [alias] = await resolver.resolveCname(name).catch(() => []);
    if (alias === undefined || aliases.includes(alias)) break;
    aliases.push(alias);
    name = alias;
  }
  return aliases;
}
