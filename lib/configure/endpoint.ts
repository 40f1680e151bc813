import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { AzureRedisError } from '../errors.js';
import { isLoopback, plainTcpError, secureTlsOptions } from '../ioredis/transport-security.js';
import { assertOption, kindOf } from '../validation.js';
import { azureEndpoint } from './azure-endpoints.js';
import type { AzureOptions, ConfigureForAzureOptions } from './options.js';

/** The options that address the cache. */
export interface Endpoint {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: ConnectionOptions;
  readonly enableTLSForSentinelMode?: true;
}

/**
 * Validates and completes the options that address the cache.
 *
 * @throws AzureRedisError `INVALID_HOST`, `MISSING_PORT`, `INVALID_OPTION` or `INSECURE_CONNECTION`.
 */
export function endpointOptions(options: ConfigureForAzureOptions): Endpoint {
  const { host, path, sentinels, tls } = options;
  if (path) return tls ? { tls: secureTlsOptions(tls) } : {};
  if (sentinels) return sentinelEndpoint(options);
  checkHost(host);
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
  if (tls === false && isLoopback(host)) return { host, port };
  // Cluster nodes announce IP addresses, but the certificate is issued for the name of the cache.
  return { host, port, tls: secureTlsOptions(requiredTls(tls, host), host) };
}

/** ioredis uses `tls` for the servers that sentinels name only if `enableTLSForSentinelMode` is set. */
function sentinelEndpoint({ tls, enableTLSForSentinelMode = true }: ConfigureForAzureOptions): Endpoint {
  if (enableTLSForSentinelMode) {
    const required = requiredTls(tls, 'the server that the sentinels name');
    return { tls: secureTlsOptions(required), enableTLSForSentinelMode: true };
  }
  throw new AzureRedisError(
    'INSECURE_CONNECTION',
    '`enableTLSForSentinelMode: false` would send the token over plain TCP.',
    'Remove `enableTLSForSentinelMode`, or set it to true.',
  );
}

function requiredTls(tls: AzureOptions['tls'], peer: string): ConnectionOptions {
  assertOption(!tls || typeof tls === 'object', 'tls', tls, 'an object of TLS options');
  if (tls === false) throw plainTcpError(peer);
  return tls ?? {};
}

function checkHost(host: unknown): asserts host is string {
  if (host === undefined || host === '') {
    throw new AzureRedisError(
      'INVALID_HOST',
      '`host` is missing.',
      'Set `host` to the host name of the cache, for example my-cache.westeurope.redis.azure.net (Azure portal, Overview).',
    );
  }
  // Never shown in full: a URL may hold a password.
  assertOption(typeof host === 'string', 'host', host, 'a string', { got: kindOf(host) });
  if (isIP(host) || /^[a-z0-9]([\w.-]*[a-z0-9])?$/i.test(host)) return;
  throw new AzureRedisError(
    'INVALID_HOST',
    '`host` must be a host name or an IP address, got a string with other characters.',
    'Set the bare host name, for example my-cache.westeurope.redis.azure.net, without protocol, port, user or path.',
  );
}
