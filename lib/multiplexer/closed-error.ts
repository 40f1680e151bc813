import { AzureRedisError } from '../errors.js';

export function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The multiplexer has been closed.',
    'Call Multiplexer.connect() again; the authenticator of the closed one can be used for it.',
  );
}
