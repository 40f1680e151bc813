import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { type AuthorityContext, authorityHostOf } from './authority.js';
import { type CertificateOption, checkCertificate, loadCertificate } from './certificate.js';
import { acquireByClientCredentials, type ConfidentialClient } from './client-credentials.js';
import {
  checkClientId,
  checkObject,
  checkTenantId,
  checkText,
  invalidOption,
  type Rotatable,
} from './option-checks.js';

interface Application {
  /** The "Directory (tenant) ID" of the app registration. */
  readonly tenantId: string;
  /** The "Application (client) ID" of the app registration. */
  readonly clientId: string;
}

/** A service principal that proves itself with a secret. */
export interface ClientSecretOption extends Application {
  /** The secret's value, or a function that is asked for it at each request for a token, so that a rotated one is used. */
  readonly clientSecret: Rotatable<string>;
  readonly certificate?: undefined;
  readonly sendX5c?: undefined;
}

/** A service principal that proves itself with a certificate. */
export interface ClientCertificateOption extends Application {
  /** The certificate and its key, or a function that is asked for them at each request for a token. A file is read each time. */
  readonly certificate: Rotatable<CertificateOption>;
  /** Sends the certificate's chain, for applications that trust a subject name and issuer instead of one certificate. Default: false. */
  readonly sendX5c?: boolean | undefined;
  readonly clientSecret?: undefined;
}

/** The option `servicePrincipal`. */
export type ServicePrincipalOption = ClientSecretOption | ClientCertificateOption;

/**
 * Checks the option `servicePrincipal`, as far as that can be done without asking anybody.
 *
 * @throws AzureRedisError `INVALID_OPTION` or `CONFLICTING_OPTIONS`.
 */
export function checkServicePrincipal(value: unknown): void {
  const { tenantId, clientId, clientSecret, certificate, sendX5c } = checkObject('servicePrincipal', value, [
    'tenantId',
    'clientId',
    'clientSecret',
    'certificate',
    'sendX5c',
  ]);
  checkTenant(checkTenantId('servicePrincipal.tenantId', tenantId));
  checkClientId('servicePrincipal.clientId', clientId);
  if (clientSecret !== undefined && certificate !== undefined) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      'servicePrincipal has both clientSecret and certificate.',
      'Give one of them: an application proves itself once.',
    );
  }
  if (certificate === undefined && sendX5c !== undefined) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      'servicePrincipal has sendX5c but no certificate.',
      'Give certificate, or leave out sendX5c.',
    );
  }
  if (sendX5c !== undefined && typeof sendX5c !== 'boolean') {
    throw invalidOption('servicePrincipal.sendX5c is neither true nor false.', 'Give true, or leave it out.');
  }
  if (certificate === undefined) {
    if (typeof clientSecret !== 'function') checkSecret(clientSecret);
  } else if (typeof certificate !== 'function') {
    checkCertificate('servicePrincipal.certificate', certificate);
  }
}

function checkTenant(tenantId: string): void {
  if (!['common', 'organizations', 'consumers'].includes(tenantId)) return;
  throw invalidOption(
    `servicePrincipal.tenantId is "${tenantId}", which is for users.`,
    'Give the "Directory (tenant) ID" of the tenant that the service principal is in.',
  );
}

function checkSecret(value: unknown): string {
  return checkText(
    'servicePrincipal.clientSecret',
    value,
    'Give the secret\'s "Value" (app registration, Certificates & secrets), or a function that gives it; or give certificate.',
  );
}

/** A credential that asks Microsoft Entra for a new token each time; msal is loaded when it is first asked. */
export function servicePrincipalCredential(
  principal: ServicePrincipalOption,
  context: AuthorityContext = {},
): TokenCredential {
  return new ServicePrincipalCredential(principal, authorityHostOf(context));
}

class ServicePrincipalCredential implements TokenCredential {
  readonly #principal: ServicePrincipalOption;
  readonly #authorityHost: string;

  constructor(principal: ServicePrincipalOption, authorityHost: string) {
    this.#principal = principal;
    this.#authorityHost = authorityHost;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    const { tenantId, clientId } = this.#principal;
    const proof = await proofOf(this.#principal);
    return acquireByClientCredentials(
      { authorityHost: this.#authorityHost, tenantId, clientId, proof },
      scopes,
      options,
    );
  }
}

async function proofOf(principal: ServicePrincipalOption): Promise<ConfidentialClient['proof']> {
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
