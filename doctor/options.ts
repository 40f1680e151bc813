import { setMaxListeners } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import type { TokenCredential } from '@azure/core-auth';
import { azureEndpoint } from '../lib/configure/azure-caches.js';
import { endpointOptions } from '../lib/configure/endpoint.js';
import { checkIdentity } from '../lib/configure/identity.js';
import type { AuthenticatorOptions, Identities } from '../lib/configure/options.js';
import { authenticatorSettings } from '../lib/configure/settings.js';
import type { Cloud } from '../lib/identities/authority.js';
import { isLoopback } from '../lib/ioredis/tls.js';
import { assertOption, invalidOption, isDuration, isObject, kindOf, shown } from '../lib/validation.js';
import { type AzCommands, azCommands, type AzureTarget, azureTarget } from './azure.js';
import type { Finding } from './finding.js';

/** The options of `diagnose()`: the cache and the identity, as in `configureForAzure()`, and how to look at them. */
export interface DiagnoseOptions extends Partial<Identities>, AuthenticatorOptions {
  /** The host name of the cache. */
  host: string;
  /** The port of the cache. Default: that of the host suffix, as in `configureForAzure()`. */
  port?: number;
  /** TLS options, as in `configureForAzure()`: `ca` for a private authority, `servername` for another name. */
  tls?: ConnectionOptions | false | undefined;
  /** Receives each finding as soon as it is made. */
  onFinding?: ((finding: Finding) => void) | undefined;
  /** Ends the diagnosis early: it rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
  /**
   * The time that the whole diagnosis may take, in ms: what was not checked by then is skipped. Default: 30000. One step on
   * the network may take a tenth of it, a token three tenths.
   */
  timeout?: number | undefined;
  /**
   * The addresses of the DNS servers to resolve the host with, such as `168.63.129.16` or `127.0.0.1:5353`, in place of the
   * resolver of the system.
   */
  dnsServers?: readonly string[] | undefined;
  /** The port that must not be served without TLS. Default: 6379; for a loopback host it is not checked unless given. */
  plainPort?: number | undefined;
  /**
   * The Azure resource id of the cache: its settings are then read from Azure Resource Manager, for which the identity
   * needs the role Reader on the cache.
   */
  resourceId?: string | undefined;
  /** The identity that reads from Azure Resource Manager. Default: that of the cache; with an access key `DefaultAzureCredential`. */
  managementCredential?: TokenCredential | undefined;
  /** The URL of Azure Resource Manager. Default: that of the cloud. */
  managementEndpoint?: string | undefined;
}

/** The validated options, and what is derived from them. */
export interface Context {
  readonly options: DiagnoseOptions;
  readonly host: string;
  readonly port: number;
  /** Absent for plain TCP to a loopback host. */
  readonly tls: ConnectionOptions | undefined;
  /** The URL of the identity service. */
  readonly authorityHost: string;
  readonly scope: string;
  readonly managementEndpoint: string;
  readonly target: AzureTarget;
  /** Absent if the host is this machine, of which Azure knows nothing. */
  readonly az: AzCommands | undefined;
  /** The time limit of the whole diagnosis, in ms. */
  readonly timeout: number;
  /** The time limit of one step on the network, in ms. */
  readonly stepTimeout: number;
  /** The time limit of a token, in ms: some credentials start a program, or try several services. */
  readonly tokenTimeout: number;
  /** Aborts when the caller ends the diagnosis, or its time is over. */
  readonly signal: AbortSignal;
}

const DEFAULT_TIMEOUT = 30_000;

/** The parts of the whole time that one step and a token may take. */
const STEP_SHARE = 0.1;
const TOKEN_SHARE = 0.3;

/** Source: the endpoints of Azure's clouds, `az cloud list`. */
const MANAGEMENT_ENDPOINTS: Readonly<Record<Cloud, string>> = {
  public: 'https://management.azure.com',
  usGovernment: 'https://management.usgovcloudapi.net',
  china: 'https://management.chinacloudapi.cn',
};

/**
 * Validates the options.
 *
 * @param end Ends the diagnosis, as the signal of the options does.
 * @throws AzureRedisError
 */
export function contextOf(options: DiagnoseOptions, end: AbortSignal): Context {
  assertOption(isObject(options), 'options', options, 'an object', { got: kindOf(options) });
  const { host, timeout = DEFAULT_TIMEOUT, dnsServers, plainPort, resourceId } = options;
  const { port = 0, tls: completedTls } = endpointOptions(options);
  const tls = completedTls === false ? undefined : completedTls;
  checkIdentity(options);
  const { authorityHost, scope } = authenticatorSettings(options);
  assertOption(isDuration(timeout) && timeout > 0, 'timeout', timeout, 'a number of milliseconds above 0');
  assertOption(
    plainPort === undefined || (Number.isInteger(plainPort) && plainPort > 0 && plainPort < 65536),
    'plainPort',
    plainPort,
    'a whole number from 1 to 65535',
  );
  assertOption(
    dnsServers === undefined ||
      (Array.isArray(dnsServers) && dnsServers.length > 0 && dnsServers.every(isDnsServer)),
    'dnsServers',
    dnsServers,
    'an array of IP addresses, each with or without a port',
  );
  const target = azureTarget(host, resourceId);
  const signal = AbortSignal.any([end, ...(options.signal ? [options.signal] : [])]);
  // Probes run side by side, each with a listener.
  setMaxListeners(0, signal);
  return {
    ...{ options, host, port, tls, authorityHost, scope, target, timeout, signal },
    managementEndpoint: managementEndpointOf(options),
    az: isLoopback(host) && resourceId === undefined ? undefined : azCommands(target),
    stepTimeout: timeout * STEP_SHARE,
    tokenTimeout: timeout * TOKEN_SHARE,
  };
}

const DNS_SERVER = /^(\d+(\.\d+){3}(:\d+)?|[\da-f:]+|\[[\da-f:]+\](:\d+)?)$/i;

function isDnsServer(server: unknown): boolean {
  return typeof server === 'string' && DNS_SERVER.test(server);
}

function managementEndpointOf({ managementEndpoint: given, cloud, host }: DiagnoseOptions): string {
  if (given === undefined) return MANAGEMENT_ENDPOINTS[cloud ?? azureEndpoint(host)?.cloud ?? 'public'];
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'https:') return url.origin;
  throw invalidOption(
    `\`managementEndpoint\` must be an https URL, got ${shown(given)}.`,
    `Remove it, or set it to a URL such as ${MANAGEMENT_ENDPOINTS.public}.`,
  );
}
