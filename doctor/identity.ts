import { configureForAzure } from '../lib/configure/configure.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../lib/configure/options.js';
import type { TokenClaims } from '../lib/credentials/username.js';
import { AzureRedisError } from '../lib/errors.js';
import type { ChainLink } from '../lib/identities/credential-chain.js';
import { defaultCredential } from '../lib/identities/default-credential.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import { measureClock, reportClock } from './clock.js';
import { type DiagnosisContext, TOKEN_TIMEOUT_FACTOR } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import { identityType, isExpectedAudience, readClaims, text } from './token-description.js';

/** An identity with its first token, or an access key. */
export interface DiagnosedIdentity {
  /** The options of its clients. */
  readonly clientOptions: ConfiguredRedisOptions;
  /** The claims of its token; none for an access key. */
  readonly claims: TokenClaims;
  readonly usesAccessKey: boolean;
}

/** Acquires the credentials of the identity and describes them. */
export async function checkIdentity(
  context: DiagnosisContext,
  report: SectionReport,
): Promise<DiagnosedIdentity | undefined> {
  const usesEntra = context.options.accessKey === undefined;
  const clock = usesEntra ? measureClock(context) : undefined;
  const links: ChainLink[] = [];
  const start = performance.now();
  try {
    const clientOptions = await configure(context, links);
    const time = performance.now() - start;
    return describeIdentity(context, clientOptions, links, time, report);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof AzureRedisError)) throw error;
    reportFailure(error, links, report);
    return undefined;
  } finally {
    if (clock) reportClock(await clock, context.authorityHost, report);
  }
}

/** As an application does, but with one attempt: its error is reported. */
async function configure(context: DiagnosisContext, links: ChainLink[]): Promise<ConfiguredRedisOptions> {
  const { options, host, port, tls, timeout, signal, lookup } = context;
  const given: ConfigureForAzureOptions = {
    ...clientOptionsOf(options),
    host,
    port,
    tls: tls ? { ...tls, ...(lookup && { lookup }) } : false,
    ...(isDefaultIdentity(options) && {
      credential: defaultCredential({ authorityHost: context.authorityHost }, (link) => links.push(link)),
      // Of the credential.
      cloud: undefined,
      authorityHost: undefined,
    }),
    ...(!options.authenticator && {
      retry: { retries: 0 },
      acquireTimeout: options.acquireTimeout ?? timeout * TOKEN_TIMEOUT_FACTOR,
    }),
  };
  const configured = configureForAzure(given);
  try {
    return await raceSignal(configured, signal);
  } catch (error) {
    if (signal.aborted) closeWhenConfigured(configured, options);
    throw error;
  }
}

function closeWhenConfigured(
  configured: Promise<ConfiguredRedisOptions>,
  { authenticator }: DiagnosisContext['options'],
): void {
  if (authenticator) return;
  configured.then(
    (late) => {
      late.authenticator.close();
    },
    () => undefined,
  );
}

function clientOptionsOf(options: DiagnosisContext['options']): Omit<ConfigureForAzureOptions, 'host'> {
  const { credential, managedIdentity, servicePrincipal, accessKey, authenticator } = options;
  const { cloud, authorityHost, scope, username, expirationRefreshRatio } = options;
  return {
    ...{ credential, managedIdentity, servicePrincipal, accessKey, authenticator },
    ...{ cloud, authorityHost, scope, username, expirationRefreshRatio },
  };
}

function isDefaultIdentity(options: DiagnosisContext['options']): boolean {
  const { credential, managedIdentity, servicePrincipal, accessKey, authenticator } = options;
  return !(credential ?? managedIdentity ?? servicePrincipal ?? accessKey ?? authenticator);
}

function describeIdentity(
  context: DiagnosisContext,
  clientOptions: ConfiguredRedisOptions,
  links: readonly ChainLink[],
  time: number,
  report: SectionReport,
): DiagnosedIdentity {
  const { options, scope } = context;
  const { authenticator } = clientOptions;
  if (options.accessKey !== undefined) {
    report.info('credential', `The login uses an access key, as the user ${authenticator.username}.`);
    return { clientOptions, claims: {}, usesAccessKey: true };
  }
  reportChain(links, report);
  const claims = readClaims(String(clientOptions.password));
  report.ok('credential', `${credentialName(options, links)} returned a token after ${time.toFixed(0)} ms.`, {
    data: { acquireTime: time },
  });
  const tenant = text(claims, 'tid');
  report.ok(
    'identity',
    `The identity is a ${identityType(claims)}; object id ${text(claims, 'oid') ?? 'unknown'}, tenant ${tenant ?? 'unknown'}.`,
    {
      data: {
        objectId: text(claims, 'oid'),
        tenantId: tenant,
        type: identityType(claims),
        username: authenticator.username,
      },
    },
  );
  reportAudience(text(claims, 'aud'), scope, report);
  reportLifetime(authenticator.expiresOn, claims, report);
  return { clientOptions, claims, usesAccessKey: false };
}

function reportChain(links: readonly ChainLink[], report: SectionReport): void {
  for (const { name, reason } of links) {
    const data = { credential: name };
    if (reason === undefined) report.ok('chain', `${name} returned a token.`, { data });
    else
      report.info('chain', `${name} returned no token: ${summaryOf(reason, name)}`, {
        data: { ...data, reason },
      });
  }
}

/** Messages of the Azure SDK have several paragraphs, and repeat the name of the credential. */
function summaryOf(reason: string, name: string): string {
  const [entra] = /AADSTS\d+: .*?(?= Trace ID:|$)/m.exec(reason) ?? [];
  const [line = ''] = (entra ?? reason).replace(`${name}: `, '').trim().split('\n');
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : sentence(line);
}

const LONGEST_REASON = 300;

function credentialName(options: DiagnosisContext['options'], links: readonly ChainLink[]): string {
  const { credential, managedIdentity, servicePrincipal, authenticator } = options;
  if (authenticator) return 'The shared authenticator';
  if (credential) return credential.constructor.name;
  if (managedIdentity) return 'The managed identity endpoint';
  if (servicePrincipal) {
    return servicePrincipal.certificate === undefined
      ? 'The service principal, with a secret,'
      : 'The service principal, with a certificate,';
  }
  return links.find(({ reason }) => reason === undefined)?.name ?? 'DefaultAzureCredential';
}

function reportAudience(audience: string | undefined, scope: string, report: SectionReport): void {
  if (audience === undefined) {
    report.skipped('audience', 'The token is opaque, or has no audience.');
    return;
  }
  const data = { audience };
  if (isExpectedAudience(audience, scope)) {
    report.ok('audience', `The token is for ${audience}.`, { data });
    return;
  }
  report.error('audience', `The token is for ${audience}, not for Azure Redis.`, {
    severity: 'high',
    why: 'The cache rejects tokens for other resources with WRONGPASS.',
    remedy: 'Request the scope https://redis.azure.com/.default: remove `scope`, or correct the credential.',
    data,
  });
}

function reportLifetime(expiresOn: Date, claims: TokenClaims, report: SectionReport): void {
  const minutes = (expiresOn.getTime() - Date.now()) / 60_000;
  const { iat, exp } = claims;
  const lifetime = typeof iat === 'number' && typeof exp === 'number' ? exp - iat : undefined;
  report.ok(
    'lifetime',
    `The token expires at ${expiresOn.toISOString()}, in ${minutes < 2 ? `${(minutes * 60).toFixed(0)} s` : `${minutes.toFixed(0)} min`}; it is refreshed before that.`,
    { data: { expiresOn, ...(lifetime !== undefined && { lifetime: lifetime * 1000 }) } },
  );
}

function reportFailure(error: AzureRedisError, links: readonly ChainLink[], report: SectionReport): void {
  reportChain(links, report);
  // A credential that Entra refuses, unlike an unavailable one, ends the chain with its own error.
  const isExhausted =
    links.length > 0 && error.message.includes('ChainedTokenCredential authentication failed');
  const message = isExhausted
    ? `No credential of DefaultAzureCredential returned a token: ${links.map(({ name }) => name).join(', ')}.`
    : sentence(error.message);
  report.error('credential', message, {
    severity: 'high',
    remedy: error.hint,
    ...(isExhausted && { command: 'az login' }),
    data: { code: error.code },
  });
}
