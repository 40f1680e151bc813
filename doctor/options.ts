import type { ConnectionOptions } from 'node:tls';
import type { TokenCredential } from '@azure/core-auth';
import type { AuthenticatorOptions, IdentityOptions } from '../lib/configure/options.js';
import type { Finding } from './finding.js';

/** The options of `diagnose()`: the cache and the identity, as in `configureForAzure()`, and how to look at them. */
export interface DiagnoseOptions extends IdentityOptions, AuthenticatorOptions {
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
  /** The time that one step on the network may take, in ms. Default: 3000. */
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
