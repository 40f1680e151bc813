import { AzureRedisError } from '../errors.js';

/** A value, or a function that is asked for the current one each time that it is needed. */
export type Rotatable<T> = T | (() => T | Promise<T>);

/** The fields of an option that is an object; `keys` are all that it may have. */
export function checkObject(
  option: string,
  value: unknown,
  keys: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidOption(`${option} is not an object.`, `Give ${option} as { ${keys.join(', ')} }.`);
  }
  const unknownKey = Object.keys(value).find((key) => !keys.includes(key));
  if (unknownKey !== undefined) {
    throw invalidOption(`${option} has no field "${unknownKey}".`, `Its fields are ${keys.join(', ')}.`);
  }
  return { ...value };
}

/** A text that must be there. An environment variable that is not set shows up here. */
export function checkText(name: string, value: unknown, hint: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalidOption(
    value === undefined || value === '' ? `${name} is missing.` : `${name} is not a text.`,
    hint,
  );
}

/**
 * The tenant of an application.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkTenantId(name: string, value: unknown): string {
  const hint =
    'Give the "Directory (tenant) ID" of the app registration, or one of the tenant\'s domain names.';
  const tenantId = checkText(name, value, hint);
  if (!/^[0-9a-z.-]+$/i.test(tenantId))
    throw invalidOption(`${name} is no tenant's id or domain name.`, hint);
  return tenantId;
}

export function checkClientId(name: string, value: unknown): string {
  return checkText(name, value, 'Give the "Application (client) ID" of the app registration.');
}

export function invalidOption(message: string, hint: string, cause?: unknown): AzureRedisError {
  return new AzureRedisError('INVALID_OPTION', message, hint, cause === undefined ? {} : { cause });
}
