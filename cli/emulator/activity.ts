import type { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';
import type { FaultName } from './faults.js';

/** Something that happened in the emulator; the values of `type` are those of the JSON lines. */
export type Activity = { readonly at: Date } & (
  | { readonly type: 'connection' | 'close'; readonly connection: number }
  | {
      readonly type: 'login' | 'reauthentication';
      readonly connection: number;
      readonly identity: string;
      readonly method: string;
      readonly expiresOn: Date | undefined;
    }
  | {
      readonly type: 'refusal';
      readonly connection: number;
      readonly identity: string;
      readonly method: string;
      readonly reason: string;
    }
  | {
      readonly type: 'eviction';
      readonly connection: number;
      readonly identity: string;
      readonly expiresOn: Date;
    }
  | { readonly type: 'token' | 'refresh'; readonly identity: string; readonly expiresOn: Date }
  | {
      readonly type: 'tokenRefusal';
      readonly path: string;
      readonly status: number;
      readonly errorCode: number | undefined;
    }
  | { readonly type: 'fault'; readonly fault: FaultName; readonly duration: number | undefined }
  | { readonly type: 'recovery'; readonly fault: FaultName }
);

/**
 * Reports what happens in the emulators.
 *
 * @param labels The labels of the identities, by object id.
 */
export function watch(
  azure: AzureRedisEmulator,
  entra: EntraEmulator,
  labels: ReadonlyMap<string, string>,
  report: (activity: Activity) => void,
): void {
  const loggedIn = new Set<number>();
  const acquired = new Set<string>();
  const identityOf = (user: string | undefined): string => labels.get(user ?? '') ?? user ?? 'unknown user';

  azure.on('connection', ({ at, connection }) => {
    report({ type: 'connection', at, connection });
  });
  azure.on('login', ({ at, connection, user, method, expiresOn }) => {
    const type = loggedIn.has(connection) ? 'reauthentication' : 'login';
    loggedIn.add(connection);
    report({ type, at, connection, identity: identityOf(user), method, expiresOn });
  });
  azure.on('refusal', ({ at, connection, user, method, reason }) => {
    report({ type: 'refusal', at, connection, identity: identityOf(user), method, reason });
  });
  azure.on('eviction', ({ at, connection, user, expiresOn }) => {
    report({ type: 'eviction', at, connection, identity: identityOf(user), expiresOn });
  });
  azure.on('close', ({ at, connection }) => {
    loggedIn.delete(connection);
    report({ type: 'close', at, connection });
  });
  entra.on('token', ({ at, objectId, expiresOn }) => {
    const type = acquired.has(objectId) ? 'refresh' : 'token';
    acquired.add(objectId);
    report({ type, at, identity: identityOf(objectId), expiresOn });
  });
  entra.on('request', ({ at, path, status, errorCode }) => {
    if (status >= 400) report({ type: 'tokenRefusal', at, path, status, errorCode });
  });
}
