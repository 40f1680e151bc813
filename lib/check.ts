import { AzureRedisError } from './errors.js';

/** @throws AzureRedisError `INVALID_OPTION` unless the option's value is valid. */
export function check(isValid: boolean, name: string, expected: string): asserts isValid {
  if (isValid) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    `The option \`${name}\` is not what it should be.`,
    `Give ${expected}.`,
  );
}
