import { configureForAzure } from '../lib/configure/configure.js';
import { IDENTITY_OPTION_NAMES } from '../lib/configure/identity.js';
import type { ConfiguredRedisOptions, Identities } from '../lib/configure/options.js';
import { AzureRedisError } from '../lib/errors.js';
import { DEFAULT_SCOPE } from '../lib/identities/authority.js';
import { defaultCredential } from '../lib/identities/default-credential.js';
import { classifyIdentityError } from '../lib/identities/identity-errors.js';
import { messageOf, redacted } from '../lib/redaction.js';
import { raceSignal } from '../lib/timing/timeouts.js';
import { type Section, sentence } from './finding.js';
import { measureClock } from './http.js';
import type { Context, DiagnoseOptions } from './options.js';
import { lookupOf } from './probe.js';
import { claim, readClaims, reportClock, reportToken } from './token.js';

/** An identity with its first token, or an access key. */
export interface DiagnosedIdentity {
  /** The options of its clients. */
  readonly clientOptions: ConfiguredRedisOptions;
  /** The object id in its token, if there is one. */
  readonly objectId: string | undefined;
}

/** A credential of a chain that was asked for a token. */
interface Link {
  readonly name: string;
  answer: 'pending' | 'token' | 'none';
  /** Why it returned none. */
  reason: string;
}

const LONGEST_REASON = 300;

/** Acquires the credentials of the identity and describes them. They are kept until the diagnosis ends. */
export async function acquireIdentity(section: Section): Promise<DiagnosedIdentity | undefined> {
  const usesAccessKey = section.options.accessKey !== undefined;
  const clock = usesAccessKey ? undefined : measureClock(section);
  const links: Link[] = [];
  const start = performance.now();
  try {
    const clientOptions = await configure(section, links);
    const acquireTime = performance.now() - start;
    const { username, expiresOn, login } = clientOptions.authenticator;
    for (const link of links) reportLink(section, link);
    if (usesAccessKey) {
      section.report('credential', { info: `The login uses an access key, as the user ${username}.` });
      return { clientOptions, objectId: undefined };
    }
    const message = `${issuerOf(section.options, links)} returned a token after ${acquireTime.toFixed(0)} ms.`;
    section.report('credential', { ok: message, data: { acquireTime } });
    const claims = readClaims(login.password());
    reportToken(section, claims, { username, expiresOn });
    return { clientOptions, objectId: claim(claims, 'oid') };
  } catch (error) {
    if (!(error instanceof AzureRedisError)) throw error;
    for (const link of links) reportLink(section, link);
    reportFailure(section, error, links);
    return undefined;
  } finally {
    if (clock) reportClock(await clock, section);
  }
}

/** As an application does, but with one attempt: its error is reported. */
async function configure(context: Context, links: Link[]): Promise<ConfiguredRedisOptions> {
  const { options, host, port, tls, timeout, tokenTimeout, signal, authorityHost } = context;
  const { cloud, scope, username, expirationRefreshRatio, acquireTimeout = tokenTimeout } = options;
  const [identity] = identitiesIn(options);
  const isShared = identity === 'authenticator';
  const configured = configureForAzure({
    ...{ host, port, scope, username, expirationRefreshRatio },
    tls: tls ? { ...tls, ...lookupOf(context) } : false,
    // The default credential has the URL of the identity service already.
    ...(identity
      ? { [identity]: options[identity], cloud, authorityHost: options.authorityHost }
      : { credential: defaultCredential(authorityHost, (name, answer) => links.push(linkOf(name, answer))) }),
    ...(!isShared && { retry: { retries: 0 }, acquireTimeout: Math.min(acquireTimeout, timeout) }),
  });
  if (!isShared) {
    const close = ({ authenticator }: ConfiguredRedisOptions): void => {
      authenticator.close();
    };
    signal.addEventListener('abort', () => {
      configured.then(close, () => undefined);
    });
  }
  return raceSignal(configured, signal);
}

/** The names of the options that state an identity: of valid options, one at most. */
export function identitiesIn(options: DiagnoseOptions): (keyof Identities)[] {
  return IDENTITY_OPTION_NAMES.filter((name) => name in options);
}

function linkOf(name: string, answer: Promise<unknown>): Link {
  const link: Link = { name, answer: 'pending', reason: '' };
  answer.then(
    (token) => {
      link.answer = token ? 'token' : 'none';
      link.reason = 'it is not available on this machine';
    },
    (error: unknown) => {
      link.answer = 'none';
      link.reason = redacted(messageOf(error));
    },
  );
  return link;
}

function reportLink({ report }: Section, { name, answer, reason }: Link): void {
  report('chain', [
    { when: answer === 'token', ok: `${name} returned a token.`, data: { credential: name } },
    { when: answer === 'pending', info: `${name} did not answer.`, data: { credential: name } },
    { info: `${name} returned no token: ${summaryOf(reason, name)}`, data: { credential: name, reason } },
  ]);
}

function reportFailure(
  { options, scope, report }: Section,
  { code, message, hint }: AzureRedisError,
  links: readonly Link[],
): void {
  // A credential that Entra refuses, unlike an unavailable one, ends the chain with its own error.
  const isExhausted = links.length > 0 && message.includes('ChainedTokenCredential authentication failed');
  const refusal = links.find(({ reason }) => reason.includes('AADSTS'))?.reason;
  const refusalHint = classifyIdentityError(new Error(refusal)).hint;
  const none = `No credential of DefaultAzureCredential returned a token: ${links.map(({ name }) => name).join(', ')}.`;
  const data = { code };
  report('credential', [
    {
      when: !isExhausted,
      error: `${issuerOf(options, links)} returned no ${options.accessKey ? 'key' : 'token'}: ${sentence(message.replace(/^No access token was acquired: /, ''))}`,
      remedy: hint,
      data,
    },
    {
      when: scope !== DEFAULT_SCOPE,
      error: none,
      remedy: `They were asked for the scope ${scope}. Remove \`scope\` (\`--scope\`): Azure Redis needs ${DEFAULT_SCOPE}.`,
      data,
    },
    { when: refusal !== undefined, error: none, remedy: refusalHint, data },
    { error: none, remedy: hint, command: 'az login', data },
  ]);
}

/** Messages of the Azure SDK have several paragraphs, and repeat the name of the credential. */
function summaryOf(reason: string, name: string): string {
  const [entra] = /AADSTS\d+: .*?(?= Trace ID:|$)/m.exec(reason) ?? [];
  const [line = ''] = (entra ?? reason).replace(`${name}: `, '').trim().split('\n');
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : sentence(line);
}

/** What returned the token or, if none did, was asked last. */
function issuerOf(options: DiagnoseOptions, links: readonly Link[]): string {
  const { accessKey, credential, managedIdentity, servicePrincipal, authenticator } = options;
  if (accessKey) return 'The option `accessKey`';
  if (authenticator) return 'The shared authenticator';
  if (credential) return credential.constructor.name.replace(/^(Object)?$/, 'The credential');
  if (managedIdentity) return 'The managed identity endpoint';
  if (servicePrincipal?.certificate !== undefined) return 'The service principal, with a certificate,';
  if (servicePrincipal) return 'The service principal, with a secret,';
  return links.at(-1)?.name ?? 'DefaultAzureCredential';
}
