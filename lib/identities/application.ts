import { checkText, invalidOption, shown } from '../validation.js';

/** An app registration of a tenant. */
export interface Application {
  /** The "Directory (tenant) ID" of the app registration. */
  readonly tenantId: string;
  /** The "Application (client) ID" of the app registration. */
  readonly clientId: string;
}

/** A value, or a function that is called for the current value each time that it is used. */
export type Rotatable<T> = T | (() => T | Promise<T>);

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkTenantId(name: string, value: unknown): string {
  const hint =
    'Set it to the "Directory (tenant) ID" of the app registration, or to one of the tenant\'s domain names.';
  const tenantId = checkText(name, value, hint);
  if (/^[0-9a-z.-]+$/i.test(tenantId)) return tenantId;
  throw invalidOption(`\`${name}\` must be a GUID or a domain name, got ${shown(tenantId)}.`, hint);
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkClientId(name: string, value: unknown): string {
  return checkText(name, value, 'Set it to the "Application (client) ID" of the app registration.');
}
