import { lookup } from 'node:dns';
import type { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { inspect } from 'node:util';
import type { ClusterOptions } from 'ioredis';
import { authenticatorFor, type Authenticator } from '../lib/authenticator.js';
import { clusterOptionsForAzure } from '../lib/configure/cluster.js';
import { clientInfoTag } from '../lib/configure/configure.js';
import { tokenRequestOf } from '../lib/configure/identity.js';
import { authenticatorSettings } from '../lib/configure/settings.js';
import { TokenCycle } from '../lib/credentials/token-cycle.js';

export { patchIoredisOf } from '../lib/ioredis/tracking.js';

/** What the environment says of the identity. */
interface Identity {
  readonly scope: string | undefined;
  readonly username: string | undefined;
}

/** The options of a client that are completed, and not replaced. */
export interface OwnOptions {
  readonly tls?: unknown;
  readonly clientInfoTag?: unknown;
}

/** The options with which a client logs in. */
export interface LoginOptions {
  readonly username: unknown;
  readonly password: object;
  readonly tls: object;
  readonly Connector: object;
  readonly clientInfoTag: string;
  readonly authenticator: Authenticator;
}

/** Those of ioredis that have other defaults on Azure. */
const CLUSTER_DEFAULTS: ClusterOptions = {
  dnsLookup: lookup,
  slotsRefreshTimeout: 1_000,
  maxRedirections: 16,
  retryDelayOnFailover: 100,
  retryDelayOnClusterDown: 100,
  retryDelayOnMoved: 0,
};

/** By the identity service that issues the tokens: each cloud has its own. */
const authenticators = new Map<string, Authenticator>();

/** The options with which clients log in to this host. The first token is requested when one connects. */
export function loginOptions(host: string, given: OwnOptions, identity: Identity): LoginOptions {
  const authenticator = authenticatorOf(host, identity);
  // ioredis also takes `true`. The Connector checks the options when it connects, and reports what is not secure.
  const own = typeof given.tls === 'object' ? given.tls : undefined;
  const tls: { servername?: string } = { ...(isIP(host) === 0 && { servername: host }), ...own };
  authenticator.allowServer(tls.servername ?? host);
  const tag = typeof given.clientInfoTag === 'string' ? given.clientInfoTag : undefined;
  return {
    ...authenticator.login,
    username: identity.username ?? usernameOf(authenticator),
    tls,
    clientInfoTag: clientInfoTag(tag),
    authenticator,
  };
}

/**
 * Reports the failures of its identity by the `error` event of a cluster that has not become ready: ioredis reports only that
 * it reached no node.
 */
export function reportFailures(authenticator: Authenticator, cluster: EventEmitter): void {
  const report = ({ error }: { readonly error: Error }): void => {
    if (cluster.listenerCount('error') > 0) cluster.emit('error', error);
  };
  authenticator.on('tokenRefreshFailed', report);
  const stop = (): void => void authenticator.off('tokenRefreshFailed', report);
  cluster.once('ready', stop).once('end', stop);
}

/** The options for Azure in place of ioredis' defaults. Its constructor has added them, so that they are told by their values. */
export function clusterDefaults(options: Readonly<Record<string, unknown>>): ClusterOptions {
  const isDefault = (name: string): boolean => options[name] === Reflect.get(CLUSTER_DEFAULTS, name);
  return Object.fromEntries(Object.entries(clusterOptionsForAzure({})).filter(([name]) => isDefault(name)));
}

function authenticatorOf(host: string, { scope, username }: Identity): Authenticator {
  const settings = authenticatorSettings({ host, scope, username });
  const known = authenticators.get(settings.authorityHost);
  if (known) return known;
  const { cycle, heartbeat } = settings;
  // The program that opens a connection cannot wait for the first token: the connection does.
  const authenticator = authenticatorFor(new TokenCycle(tokenRequestOf({}, settings), cycle), heartbeat);
  // A program may have any number of clusters.
  authenticator.setMaxListeners(0);
  authenticators.set(settings.authorityHost, authenticator);
  return authenticator;
}

/** The user name, which the first token states: ioredis converts it to a string when it logs in. */
function usernameOf(authenticator: Authenticator): object {
  const toString = (): string => authenticator.username;
  return { toString, toJSON: toString, [inspect.custom]: toString };
}
