import type { Credentials } from '../credentials/credentials.js';
import { asAzureRedisError } from '../errors.js';
import type { ReplyError } from '../ioredis/client.js';

/**
 * Adds `code` and `hint` to an error reply that has a known meaning on Azure. It stays the `ReplyError` of ioredis, by whose
 * class, name and message libraries decide what to do.
 */
export function explain(reply: ReplyError, credentials: Credentials): ReplyError {
  if (isWrongPass(reply)) return asAzureRedisError(reply, 'WRONGPASS', wrongPassHint(credentials));
  if (reply.message.startsWith('NOPERM')) {
    return asAzureRedisError(
      reply,
      'NOPERM',
      `The access policy of the identity ${credentials.username} does not permit this command: assign one that does ` +
        '(Data Owner, Data Contributor, or a custom access policy).',
    );
  }
  // A Cluster handles this error by its message; a plain client shows it to the user.
  if (reply.message.startsWith('MOVED ')) {
    return asAzureRedisError(
      reply,
      'CLUSTER_CLIENT_REQUIRED',
      'The cache is clustered (OSS cluster policy): instead of `new Redis()`, create a Cluster from the result of ' +
        'configureClusterForAzure(): `new Cluster(...(await configureClusterForAzure({ host })))`, or connect the ' +
        'Multiplexer again, which finds out.',
    );
  }
  if (/cluster support (?:is )?disabled/i.test(reply.message)) {
    return asAzureRedisError(
      reply,
      'CLUSTER_MODE_DISABLED',
      'The cache is not clustered, or has the Enterprise cluster policy: instead of `new Cluster()`, create a client ' +
        'from the result of configureForAzure(): `new Redis(await configureForAzure({ host }))`.',
    );
  }
  return reply;
}

/** An access key has no expiry. */
function wrongPassHint({ username, expiresOn }: Credentials): string {
  if (!Number.isFinite(expiresOn)) {
    return (
      'The cache refused the access key: it is wrong or was regenerated, or access keys are disabled on the cache. ' +
      'Set `accessKey` to the primary or secondary key (Azure portal, Authentication), or log in with an identity.'
    );
  }
  return (
    `The cache refused the identity with the object id (user name) ${username}: assign it an access policy on this ` +
    'cache, and check that Microsoft Entra authentication is enabled on the cache.'
  );
}

export function isWrongPass(reply: ReplyError): boolean {
  return reply.message.startsWith('WRONGPASS');
}

/** Whether the server did not run a command because the connection is not logged in; the reply to EXEC has a prefix. */
export function isNoAuth(reply: ReplyError): boolean {
  return /^(?:EXECABORT .*)?NOAUTH/.test(reply.message);
}

/** Whether the server did not run a command because, after a failover, it is not the primary or has no data yet. */
export function isFailover(reply: ReplyError): boolean {
  return /^(?:READONLY|LOADING|MASTERDOWN)\b/.test(reply.message);
}
