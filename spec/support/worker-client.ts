/** A thread with its own authenticator and client; reports each re-authentication, and echoes. */
import { parentPort, workerData } from 'node:worker_threads';
import type { AccessToken } from '@azure/core-auth';
import { Redis } from 'ioredis';
import { configureForAzure } from '../../lib/index.js';

/** The options of the thread. */
export interface WorkerSettings {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
}

const { host, port, ca } = workerData as WorkerSettings;
const options = await configureForAzure({
  host,
  port,
  tls: { ca },
  expirationRefreshRatio: 0.25,
  credential: {
    getToken: () =>
      new Promise<AccessToken>((resolve) => {
        parentPort?.once('message', resolve);
        parentPort?.postMessage('token');
      }),
  },
});
options.authenticator.on('reauthenticated', () => parentPort?.postMessage('reauthenticated'));
const redis = new Redis(options);
redis.on('error', () => undefined);
await redis.ping();
parentPort?.postMessage('ready');
