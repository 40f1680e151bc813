import { isIP } from 'node:net';
import { AzureRedisError } from '../errors.js';
import { isLoopback, plainTcpError, rejectSentinels, secureTlsOptions } from '../ioredis/tls.js';
import { assertOption, conflictingOptions, isObject, kindOf } from '../validation.js';
import { azureEndpoint } from './azure-caches.js';
import type { EndpointOptions } from './options.js';

/** What callers may give, who need not use TypeScript. */
type GivenOptions = Partial<EndpointOptions> & { readonly sentinels?: unknown };

const EXAMPLE = 'my-cache.westeurope.redis.azure.net';

/** What people give in place of a host name, and what to do with the rest of it. The first that matches is reported. */
const MISTAKEN_HOSTS: readonly (readonly [form: RegExp, what: string, remedy: string])[] = [
  [
    /^[a-z][a-z\d+.-]*:\/\//i,
    'a URL',
    '`port` to its port, and an identity in place of its user and password',
  ],
  [
    /,|password=/i,
    'a connection string',
    'and an identity, or `accessKey` to the value of `password` in it, in place of the rest',
  ],
  [/[\r\n]/, 'one with a line break', 'without the line break: trim() removes it'],
  [/\s/, 'one with a space', 'without spaces'],
  [/^\[.*\]/, 'an IPv6 address in brackets', 'or the address without brackets, and `port` to the port'],
  [/@/, 'one with a user name', 'without the user; `username` is an option of its own'],
  [/\//, 'one with a path', 'without the path'],
  [/:\d*$/, 'one with a port', 'without the port, and `port` to the number'],
  [/\.$/, 'one with a dot at its end', 'without the dot: certificates do not have it'],
];

/**
 * Validates and completes the options that address the cache.
 *
 * @throws AzureRedisError `INVALID_HOST`, `MISSING_PORT`, `INVALID_OPTION`, `CONFLICTING_OPTIONS` or `INSECURE_CONNECTION`.
 */
export function endpointOptions(options: GivenOptions) {
  const { host, path, db } = options;
  rejectSentinels(options.sentinels);
  const tls = options.tls ?? (path ? false : {});
  assertOption(tls === false || isObject(tls), 'tls', tls, 'an object of TLS options');
  if (path) return { tls: tls && secureTlsOptions(tls, host ?? 'localhost') };
  checkHost(host);
  requireDatabase({ host, db });
  const port = options.port ?? azureEndpoint(host)?.port;
  if (port === undefined) {
    throw new AzureRedisError(
      'MISSING_PORT',
      `\`port\` is missing, and the suffix of ${host} is not one of Azure's, which imply it.`,
      'Set `port`: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis.',
    );
  }
  assertOption(
    Number.isInteger(port) && port > 0 && port < 65536,
    'port',
    port,
    'a whole number from 1 to 65535',
  );
  if (tls === false && !isLoopback(host)) throw plainTcpError(host);
  // `false` is kept, so that the result is valid input. Cluster nodes announce IP addresses, but the certificate is issued
  // for the name of the cache.
  return { host, port, tls: tls && secureTlsOptions(tls, host) };
}

/** Whether this is another database than 0; ioredis also takes a string. */
export function isOtherDatabase(db: unknown): boolean {
  return Number(db ?? 0) !== 0;
}

/** @throws AzureRedisError `CONFLICTING_OPTIONS`: ioredis would report the refused SELECT, and write to database 0. */
export function requireDatabase({ host = '', db }: { host?: string; db?: unknown }): void {
  if (!isOtherDatabase(db) || azureEndpoint(host)?.hasDatabases !== false) return;
  throw conflictingOptions(
    '`db` conflicts with `host`: Azure Managed Redis has database 0 only.',
    'Remove `db`; separate the data of applications with `keyPrefix`.',
  );
}

function checkHost(host: unknown): asserts host is string {
  if (host === undefined || host === null || host === '') {
    throw new AzureRedisError(
      'INVALID_HOST',
      '`host` is missing.',
      `Set \`host\` to the host name of the cache, for example ${EXAMPLE} (Azure portal, Overview).`,
    );
  }
  assertOption(typeof host === 'string', 'host', host, 'a string', { got: kindOf(host) });
  if (isIP(host) || /^[a-z0-9]([\w.-]*[a-z0-9])?$/i.test(host)) return;
  const [, what, remedy] = MISTAKEN_HOSTS.find(([form]) => form.test(host)) ?? [
    '',
    'a string with other characters',
    'without protocol, port, user or path',
  ];
  // Of the text only the name of a cache is shown: a URL or a connection string may hold a password.
  const cache = host.match(/[a-z0-9][a-z0-9.-]*[a-z0-9]/gi)?.find((part) => azureEndpoint(part));
  throw new AzureRedisError(
    'INVALID_HOST',
    `\`host\` must be a host name or an IP address, got ${what}.`,
    `Set \`host\` to the bare host name, ${cache === undefined ? `for example ${EXAMPLE}` : `'${cache}'`}, ${remedy}.`,
  );
}
