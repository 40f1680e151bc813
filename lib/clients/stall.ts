import type { Stall } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';

/** The error of a command whose reply was due on a connection that did not answer. */
export function stallError({ endpoint, silence, awaited }: Stall, cause?: Error): AzureRedisError {
  return new AzureRedisError(
    'CONNECTION_STALLED',
    `The connection to ${endpoint} was silent for ${silence} ms while the reply to ${awaited} was due, and was replaced. ` +
      'The command may or may not have been executed.',
    'Send the command again if it may be executed twice. ioredis does so automatically with ' +
      '`autoResendUnfulfilledCommands` (its default), unless the command was part of a transaction or pipeline that was ' +
      'answered in part.',
    ...(cause ? [{ cause }] : []),
  );
}
