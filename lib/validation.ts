import { AzureRedisError } from './errors.js';

/** @throws AzureRedisError `INVALID_OPTION` unless the value of the option, or argument, is valid. */
export function assertOption(isValid: boolean, name: string, expected: string): asserts isValid {
  if (isValid) return;
  throw new AzureRedisError('INVALID_OPTION', `\`${name}\` is not what it should be.`, `Give ${expected}.`);
}
