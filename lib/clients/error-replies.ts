import { AzureRedisError } from '../errors.js';
import type { ReplyError } from '../ioredis/client.js';

type ExplainedCode = 'WRONGPASS' | 'NOPERM' | 'CLUSTER_CLIENT_REQUIRED' | 'CLUSTER_MODE_DISABLED';

/** An error reply with its meaning on Azure; the reply itself is its `cause`. */
class ExplainedReply extends AzureRedisError {
  /** The rejected command, as on the errors of ioredis. */
  readonly command: ReplyError['command'];

  constructor(code: ExplainedCode, reply: ReplyError, hint: string) {
    super(code, reply.message, hint, { cause: reply });
    this.command = reply.command;
  }
}

/** Explains an error reply that has a known meaning on Azure; returns any other one unchanged. */
export function explained(reply: ReplyError, username: string): Error {
  if (isWrongPass(reply)) {
    return new ExplainedReply(
      'WRONGPASS',
      reply,
      `The cache refused the identity with the object id (user name) ${username}: assign it an access policy on this ` +
        'cache, and check that Microsoft Entra authentication is enabled on the cache.',
    );
  }
  if (reply.message.startsWith('NOPERM')) {
    return new ExplainedReply(
      'NOPERM',
      reply,
      `The access policy of the identity ${username} does not permit this command: assign one that does ` +
        '(Data Owner, Data Contributor, or a custom access policy).',
    );
  }
  // A Cluster handles this error by its message, which stays that of the server; a plain client shows it to the user.
  if (reply.message.startsWith('MOVED ')) {
    return new ExplainedReply(
      'CLUSTER_CLIENT_REQUIRED',
      reply,
      'The cache is clustered (OSS cluster policy): instead of `new Redis()`, create a Cluster from the result of ' +
        'configureClusterForAzure(): `new Cluster(...(await configureClusterForAzure({ host })))`.',
    );
  }
  if (/cluster support (?:is )?disabled/i.test(reply.message)) {
    return new ExplainedReply(
      'CLUSTER_MODE_DISABLED',
      reply,
      'The cache is not clustered, or has the Enterprise cluster policy: instead of `new Cluster()`, create a client ' +
        'from the result of configureForAzure(): `new Redis(await configureForAzure({ host }))`.',
    );
  }
  return reply;
}

export function isWrongPass(reply: ReplyError): boolean {
  return reply.message.startsWith('WRONGPASS');
}

/** Whether the server did not run a command because the connection is not logged in; the reply to EXEC has a prefix. */
export function isNoAuth(reply: ReplyError): boolean {
  return /^(?:EXECABORT .*)?NOAUTH/.test(reply.message);
}
