import { AzureRedisError } from '../../lib/errors.js';

/** The AzureRedisError that a promise rejects with; fails when it does anything else. */
export async function rejection(promise: Promise<unknown>): Promise<AzureRedisError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AzureRedisError) return error;
    throw new Error(`expected an AzureRedisError, got ${String(error)}`, { cause: error });
  }
  throw new Error('expected a rejection');
}
