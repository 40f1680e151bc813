import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { Configuration } from '@azure/msal-node';
import {
  assertOption,
  checkFields,
  checkText,
  conflictingOptions,
  invalidOption,
  shown,
} from '../validation.js';
import { authorityHostOf } from './authority.js';
import { type CertificateOption, checkCertificate, loadCertificate } from './certificate.js';
import { entraNetwork } from './msal-network.js';

/** An app registration of a tenant. */
export interface Application {
  /** The "Directory (tenant) ID" of the app registration. */
  readonly tenantId: string;
  /** The "Application (client) ID" of the app registration. */
  readonly clientId: string;
}

/** A value, or a function that is called for the current value each time that it is used. */
export type Rotatable<T> = T | (() => T | Promise<T>);

/** A service principal that authenticates with a secret. */
export interface ClientSecretOption extends Application {
  /** The value of the secret, or a function that is called for each token request, so that a rotated one is used. */
  readonly clientSecret: Rotatable<string>;
  readonly certificate?: undefined;
  readonly sendX5c?: undefined;
}

/** A service principal that authenticates with a certificate. */
export interface ClientCertificateOption extends Application {
  /** The certificate and its key, or a function that is called for each token request. A file is read each time. */
  readonly certificate: Rotatable<CertificateOption>;
  /** Sends the certificate chain, for app registrations that trust a subject name and issuer. Default: false. */
  readonly sendX5c?: boolean | undefined;
  readonly clientSecret?: undefined;
}

/** The option `servicePrincipal`. */
export type ServicePrincipalOption = ClientSecretOption | ClientCertificateOption;

/**
 * Checks the option `servicePrincipal` without a request.
 *
 * @throws AzureRedisError `INVALID_OPTION` or `CONFLICTING_OPTIONS`.
 */
export function checkServicePrincipal(value: unknown): void {
  const { tenantId, clientId, clientSecret, certificate, sendX5c } = checkFields('servicePrincipal', value, [
    'tenantId',
    'clientId',
    'clientSecret',
    'certificate',
    'sendX5c',
  ]);
  const tenant = checkTenantId('servicePrincipal.tenantId', tenantId);
  if (['common', 'organizations', 'consumers'].includes(tenant)) {
    throw invalidOption(
      `\`servicePrincipal.tenantId\` must be a single tenant, got '${tenant}', which is for users.`,
      'Set it to the "Directory (tenant) ID" of the tenant of the service principal.',
    );
  }
  checkClientId('servicePrincipal.clientId', clientId);
  if (clientSecret !== undefined && certificate !== undefined) {
    throw conflictingOptions(
      '`servicePrincipal.clientSecret` conflicts with `servicePrincipal.certificate`.',
      'Set one of them.',
    );
  }
  if (certificate === undefined && sendX5c !== undefined) {
    throw conflictingOptions(
      '`servicePrincipal.sendX5c` needs `servicePrincipal.certificate`, got none.',
      'Set `certificate`, or remove `sendX5c`.',
    );
  }
  assertOption(
    sendX5c === undefined || typeof sendX5c === 'boolean',
    'servicePrincipal.sendX5c',
    sendX5c,
    'true or false',
  );
  if (certificate === undefined && typeof clientSecret !== 'function') checkSecret(clientSecret);
  if (certificate !== undefined && typeof certificate !== 'function') {
    checkCertificate('servicePrincipal.certificate', certificate);
  }
}

function checkSecret(value: unknown): string {
  return checkText(
    'servicePrincipal.clientSecret',
    value,
    'Set it to the "Value" of the secret (app registration, Certificates & secrets) or a function that returns it, or set `certificate`.',
  );
}

/** A credential that requests each token from Microsoft Entra. The first request loads msal. */
export function servicePrincipalCredential(
  principal: ServicePrincipalOption,
  authorityHost = authorityHostOf(),
): TokenCredential {
  const { tenantId, clientId } = principal;
  return {
    getToken: async (scopes, options) => {
      const clientAuthentication = await clientAuthenticationOf(principal);
      const client = { authorityHost, tenantId, clientId, clientAuthentication };
      return acquireByClientCredentials(client, scopes, options);
    },
  };
}

async function clientAuthenticationOf(
  principal: ServicePrincipalOption,
): Promise<ConfidentialClient['clientAuthentication']> {
  if (principal.certificate === undefined) {
    const { clientSecret } = principal;
    return {
      clientSecret: checkSecret(typeof clientSecret === 'function' ? await clientSecret() : clientSecret),
    };
  }
  const { certificate, sendX5c } = principal;
  const { chain, ...clientCertificate } = await loadCertificate(
    'servicePrincipal.certificate',
    typeof certificate === 'function' ? await certificate() : certificate,
  );
  return { clientCertificate: { ...clientCertificate, ...(sendX5c === true && { x5c: chain }) } };
}

/** An application, and how it authenticates for one request. */
export interface ConfidentialClient extends Application {
  readonly authorityHost: string;
  readonly clientAuthentication: Pick<
    Configuration['auth'],
    'clientSecret' | 'clientCertificate' | 'clientAssertion'
  >;
}

/**
 * Requests a new token for an application, by OAuth's client credentials grant.
 *
 * Each request uses a new client, since a client of msal caches its token until five minutes before the expiry, and an
 * error of the service for a minute or more.
 */
export async function acquireByClientCredentials(
  { authorityHost, tenantId, clientId, clientAuthentication }: ConfidentialClient,
  scopes: string | string[],
  { abortSignal }: GetTokenOptions = {},
): Promise<AccessToken> {
  const { ConfidentialClientApplication } = await import('@azure/msal-node');
  const client = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `${authorityHost}/${tenantId}`,
      knownAuthorities: [new URL(authorityHost).host],
      ...clientAuthentication,
    },
    system: { networkClient: entraNetwork },
  });
  return entraNetwork.acquire(abortSignal, () =>
    client.acquireTokenByClientCredential({ scopes: [scopes].flat(), skipCache: true }),
  );
}

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
