import { AzureRedisError } from '../../lib/errors.js';

/** The AzureRedisError with which a promise rejects; fails otherwise. */
export async function rejection(promise: Promise<unknown>): Promise<AzureRedisError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AzureRedisError) return error;
    throw new Error(`expected an AzureRedisError, got ${String(error)}`, { cause: error });
  }
  throw new Error('expected a rejection');
}
