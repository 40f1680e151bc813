import { once } from 'node:events';
import { Cluster, Redis } from 'ioredis';
import {
  type Authenticator,
  configureClusterForAzure,
  configureForAzure,
  type ConfigureForAzureOptions,
} from 'ioredis-azure';
import type { DiagnoseOptions } from 'ioredis-azure/doctor';
import type { Output } from '../output.js';

/** Something that happened to the connection. */
interface WatchEvent {
  readonly event: string;
  readonly message: string;
}

/**
 * Keeps a client of the cache open and prints each refresh, re-authentication, replacement and drop, until the process is
 * interrupted.
 */
export async function watchConnection(
  options: DiagnoseOptions,
  isCluster: boolean,
  output: Output,
): Promise<void> {
  const report = (event: string, message: string): void => {
    print({ event, message }, output);
  };
  const { client, authenticator } = await connect(options, isCluster);
  reportClient(client, report);
  reportAuthenticator(authenticator, report);
  report('watching', 'Watching the connection; Ctrl+C ends it.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  client.disconnect();
  authenticator.close();
}

type Report = (event: string, message: string) => void;

async function connect(
  { host, port, tls, ...rest }: DiagnoseOptions,
  isCluster: boolean,
): Promise<{ client: Redis | Cluster; authenticator: Authenticator }> {
  const { credential, managedIdentity, servicePrincipal, accessKey, cloud, authorityHost, scope, username } =
    rest;
  const identities = { credential, managedIdentity, servicePrincipal, accessKey };
  const options = {
    ...Object.fromEntries(Object.entries(identities).filter(([, identity]) => identity !== undefined)),
    ...{ cloud, authorityHost, scope, username, host, tls },
    ...(port !== undefined && { port }),
    connectionName: 'ioredis-azure-doctor',
    enableReadyCheck: false,
  } as ConfigureForAzureOptions; // diagnose() has checked them.
  if (isCluster) {
    const [nodes, clusterOptions] = await configureClusterForAzure(options);
    return {
      client: new Cluster(nodes, clusterOptions),
      authenticator: clusterOptions.redisOptions.authenticator,
    };
  }
  const configured = await configureForAzure(options);
  return { client: new Redis(configured), authenticator: configured.authenticator };
}

function reportClient(client: Redis | Cluster, report: Report): void {
  client.on('ready', () => {
    report('ready', 'The connection is open and logged in.');
  });
  client.on('close', () => {
    report('dropped', 'The connection was closed.');
  });
  client.on('reconnecting', (delay: number) => {
    report('reconnecting', `The next attempt to connect is made in ${delay} ms.`);
  });
  client.on('error', (error: Error) => {
    report('error', error.message);
  });
}

function reportAuthenticator(authenticator: Authenticator, report: Report): void {
  authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    report('tokenRefreshed', `A new token was acquired; it expires at ${expiresOn.toISOString()}.`);
  });
  authenticator.on('tokenRefreshFailed', ({ error }) => {
    report('tokenRefreshFailed', `The token was not refreshed: ${error.message} ${error.hint}`);
  });
  authenticator.on('reauthenticated', ({ endpoint }) => {
    report('reauthenticated', `${endpoint} was re-authenticated in place.`);
  });
  authenticator.on('reauthenticationFailed', ({ endpoint, error }) => {
    report('reauthenticationFailed', `${endpoint} was not re-authenticated: ${error.message}`);
  });
  authenticator.on('recycled', ({ endpoint, reason, gap }) => {
    report(
      'recycled',
      `The connection to ${endpoint} was replaced (${reason}); for ${gap} ms there was none.`,
    );
  });
}

function print({ event, message }: WatchEvent, output: Output): void {
  const time = new Date().toISOString();
  if (output.isJson) output.json({ time, event, message });
  // A message may quote the server.
  else output.line(`${output.style('gray', time)}  ${message.replaceAll(/\p{Cc}/gu, '\u{fffd}')}`);
}
