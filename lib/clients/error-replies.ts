import { AzureRedisError } from '../errors.js';
import type { Command, ReplyError } from '../ioredis/client.js';

type ExplainedCode = 'WRONGPASS' | 'NOPERM' | 'CLUSTER_CLIENT_REQUIRED' | 'CLUSTER_MODE_DISABLED';

/** An error that the server replied, with what it means on Azure; the reply itself is its `cause`. */
class ExplainedReply extends AzureRedisError {
  /** The command that was refused, as on ioredis' own errors. */
  readonly command: ReplyError['command'];

  constructor(code: ExplainedCode, reply: ReplyError, hint: string) {
    super(code, reply.message, hint, { cause: reply });
    this.command = reply.command;
  }
}

/** Makes an error reply say what it means on Azure, where that is known; others are handed on as they are. */
export function explained(reply: ReplyError, username: string): Error {
  if (isWrongPass(reply)) {
    return new ExplainedReply(
      'WRONGPASS',
      reply,
      `The cache refused the identity with the object id (user name) ${username}: give it an access policy on this ` +
        'cache, and see that Microsoft Entra authentication is switched on there.',
    );
  }
  if (reply.message.startsWith('NOPERM')) {
    return new ExplainedReply(
      'NOPERM',
      reply,
      `The access policy of the identity ${username} does not permit this: assign it a role that does ` +
        '(Data Owner, Data Contributor, or a custom access policy).',
    );
  }
  // A Cluster client acts on the message, which is the server's own; only of a plain client does it reach the user.
  if (reply.message.startsWith('MOVED ')) {
    return new ExplainedReply(
      'CLUSTER_CLIENT_REQUIRED',
      reply,
      'The cache is clustered (OSS cluster policy): make a Cluster of what configureClusterForAzure() returns, ' +
        '`new Cluster(...(await configureClusterForAzure({ host })))`, in place of the `new Redis()`.',
    );
  }
  if (/cluster support (?:is )?disabled/i.test(reply.message)) {
    return new ExplainedReply(
      'CLUSTER_MODE_DISABLED',
      reply,
      'The cache is not clustered, or has the Enterprise cluster policy: make a client of what configureForAzure() ' +
        'returns, `new Redis(await configureForAzure({ host }))`, in place of the `new Cluster()`.',
    );
  }
  return reply;
}

export function isWrongPass(reply: ReplyError): boolean {
  return reply.message.startsWith('WRONGPASS');
}

/** Whether a command was not run for want of a login; an EXEC that was not run says so in words of its own. */
export function isNoAuth(reply: ReplyError): boolean {
  return /^(?:EXECABORT .*)?NOAUTH/.test(reply.message);
}

/**
 * The refusal of a HELLO that logs in, as ioredis takes it to mean that the server cannot do RESP3: it then logs in
 * with AUTH over RESP2, on the same connection and with nothing rejected. Some Azure endpoints refuse the login in
 * HELLO but accept it in AUTH; if AUTH is refused too, it was a real refusal.
 */
export function asProtocolRefusal(reply: ReplyError): Error {
  return new Error(`NOPROTO the login within HELLO was refused: ${reply.message}`, { cause: reply });
}

/** Whether this is ioredis' HELLO. */
export function isHello(command: Command): boolean {
  return command.name.toLowerCase() === 'hello';
}
