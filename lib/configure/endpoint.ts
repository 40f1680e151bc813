import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { assertOption } from '../validation.js';
import { azureEndpoint } from './azure-endpoints.js';
import { AzureRedisError } from '../errors.js';
import { isLoopback } from '../ioredis/loopback.js';
import type { AzureOptions, ConfigureForAzureOptions } from './options.js';

/** Where the cache is, and how it is reached. */
export interface Endpoint {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: ConnectionOptions;
}

/**
 * Checks and completes where to connect to.
 *
 * @throws AzureRedisError `INVALID_HOST`, `INVALID_HOST`, `MISSING_PORT`, `INVALID_OPTION` or `INSECURE_CONNECTION`.
 */
export function endpointOptions(options: ConfigureForAzureOptions): Endpoint {
  const { host, path, sentinels } = options;
  if (path) return options.tls ? { tls: checkedTls(options.tls) } : {};
  if (sentinels) return { tls: requiredTls(options.tls, 'the server that the sentinels name') };
  if (host === undefined || host === '') {
    throw new AzureRedisError(
      'INVALID_HOST',
      'No `host` was given.',
      "Set `host` to the cache's host name, for example my-cache.westeurope.redis.azure.net (Azure portal, Overview).",
    );
  }
  checkHost(host);
  const port = options.port ?? azureEndpoint(host)?.port;
  if (port === undefined) {
    throw new AzureRedisError(
      'MISSING_PORT',
      `No \`port\` was given, and ${host} has no suffix of Azure's that would tell it.`,
      'Set `port`: 10000 for Azure Managed Redis, 6380 for Azure Cache for Redis.',
    );
  }
  assertOption(Number.isInteger(port) && port > 0 && port < 65536, 'port', 'a whole number from 1 to 65535');
  if (options.tls === false && isLoopback(host)) return { host, port };
  // Cluster nodes announce bare addresses, and the certificate is for the cache's name: it is what must be checked.
  const servername = isIP(host) ? {} : { servername: host };
  return { host, port, tls: { ...servername, ...requiredTls(options.tls, host) } };
}

function requiredTls(tls: AzureOptions['tls'], peer: string): ConnectionOptions {
  if (tls !== false) return checkedTls(tls ?? {});
  throw new AzureRedisError(
    'INSECURE_CONNECTION',
    `A login to ${peer} over plain TCP would show the token to everybody on the way.`,
    'Leave `tls` out, or give it as an object of options: TLS is used then.',
  );
}

function checkHost(host: unknown): asserts host is string {
  assertOption(typeof host === 'string', 'host', 'a text');
  if (isIP(host) || /^[a-z0-9]([\w.-]*[a-z0-9])?$/i.test(host)) return;
  throw new AzureRedisError(
    'INVALID_HOST',
    '`host` is not a host name.',
    'Give the bare host name, such as my-cache.westeurope.redis.azure.net: no protocol, port, user or path.',
  );
}

function checkedTls(tls: ConnectionOptions): ConnectionOptions {
  if (tls.rejectUnauthorized === false) {
    throw new AzureRedisError(
      'INSECURE_CONNECTION',
      '`tls.rejectUnauthorized: false` would send the token to whoever answers.',
      'If the certificate is of an authority of your own, set `tls.ca`; if it is for another name than `host`, set ' +
        '`tls.servername`.',
    );
  }
  if (tls.minVersion === 'TLSv1' || tls.minVersion === 'TLSv1.1') {
    throw new AzureRedisError(
      'INSECURE_CONNECTION',
      `\`tls.minVersion: '${tls.minVersion}'\` is below what Azure, and a token, can do with.`,
      'Leave `tls.minVersion` out: TLS 1.2 or newer is used.',
    );
  }
  // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not reach it.
  return { minVersion: 'TLSv1.2', ...tls, ...serverIdentityCheck(tls), rejectUnauthorized: true };
}

/** A check of the caller's own, such as of a pinned certificate, comes on top of that of the name. It replaces nothing. */
function serverIdentityCheck({
  checkServerIdentity: own,
}: ConnectionOptions): Pick<ConnectionOptions, 'checkServerIdentity'> {
  if (!own) return {};
  return {
    checkServerIdentity: (host, certificate) =>
      checkServerIdentity(host, certificate) ?? own(host, certificate),
  };
}
