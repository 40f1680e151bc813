import { messageOf } from '../redaction.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import { firstReplyLine } from './redis-probe.js';
import { text } from './token-description.js';

/** What the login section found out. */
export interface LoginResult {
  /** Whether a client can log in, by either command. */
  readonly isAccepted: boolean;
}

/** How one way to log in ended. */
interface Attempt {
  readonly name: 'AUTH' | 'HELLO 2' | 'HELLO 3';
  readonly isAccepted: boolean;
  /** The first line of the reply, or why there is none. */
  readonly answer: string;
}

/** Logs in by AUTH and by HELLO, each on a separate connection, always with the user name. */
export async function checkLogin(
  context: DiagnosisContext,
  identity: DiagnosedIdentity,
  report: SectionReport,
): Promise<LoginResult> {
  const { authenticator, password } = identity.clientOptions;
  const { username } = authenticator;
  const [auth, hello2, hello3] = await Promise.all([
    tryLogin(context, 'AUTH', username, String(password)),
    tryLogin(context, 'HELLO 2', username, String(password)),
    tryLogin(context, 'HELLO 3', username, String(password)),
  ]);
  reportAuth(auth, username, report);
  for (const attempt of [hello2, hello3]) reportHello(attempt, auth, report);
  if (!auth.isAccepted) await reportCause(context, identity, auth, report);
  return { isAccepted: auth.isAccepted || hello3.isAccepted };
}

async function tryLogin(
  context: DiagnosisContext,
  name: Attempt['name'],
  username: string,
  password: string,
): Promise<Attempt> {
  const command =
    name === 'AUTH'
      ? ['AUTH', username, password]
      : ['HELLO', name.slice('HELLO '.length), 'AUTH', username, password];
  try {
    const answer = await firstReplyLine(context, command);
    return { name, isAccepted: !answer.startsWith('-'), answer: answer.replace(/^[-+]/, '') };
  } catch (error) {
    return { name, isAccepted: false, answer: messageOf(error) };
  }
}

function reportAuth({ isAccepted }: Attempt, username: string, report: SectionReport): void {
  if (isAccepted) {
    report.ok('auth', `AUTH logs in as ${username} (RESP2).`, { data: { username } });
  }
}

function reportHello({ name, isAccepted, answer }: Attempt, auth: Attempt, report: SectionReport): void {
  const protocol = `RESP${name.slice(-1)}`;
  const check = `hello-${protocol.toLowerCase()}`;
  if (isAccepted) {
    report.ok(check, `${name} with AUTH logs in (${protocol}).`);
  } else if (auth.isAccepted) {
    report.warning(check, `${name} with AUTH is answered ${answer}, although AUTH is accepted.`, {
      severity: 'low',
      why: 'Some endpoints of Azure refuse the login within HELLO. This package then logs in with AUTH over RESP2; another client may fail.',
      remedy: 'Nothing for ioredis with this package. In other clients set the protocol to RESP2.',
      data: { answer },
    });
  } else {
    report.info(check, `${name} with AUTH is answered ${answer}.`, { data: { answer } });
  }
}

async function reportCause(
  context: DiagnosisContext,
  identity: DiagnosedIdentity,
  { answer }: Attempt,
  report: SectionReport,
): Promise<void> {
  const { username } = identity.clientOptions.authenticator;
  const message = `AUTH as ${username} is answered ${answer}.`;
  const data = { username, answer };
  if (!answer.startsWith('WRONGPASS')) {
    report.error('auth', message, { severity: 'high', remedy: remedyForOtherAnswer(answer), data });
    return;
  }
  const cause = await causeOfWrongPass(context, identity);
  report.error('auth', message, { severity: 'high', ...cause, data });
}

function remedyForOtherAnswer(answer: string): string {
  if (/unknown command/i.test(answer))
    return 'This server is older than Redis 6, which user names need. Check host and port.';
  if (/max number of clients/i.test(answer))
    return 'The cache has no free connections: close some, or scale it up.';
  return 'The endpoint closed the connection or gave an unexpected answer: check that it is the cache, then the health of the cache (Azure portal, Resource health).';
}

/** WRONGPASS gives no reason: the user name and the settings of the cache tell the causes apart as far as can be. */
async function causeOfWrongPass(
  context: DiagnosisContext,
  { clientOptions, claims, usesAccessKey }: DiagnosedIdentity,
): Promise<{ why: string; remedy: string; command: string }> {
  const { az, target } = context;
  if (usesAccessKey) {
    return {
      why: 'The key is wrong or has been regenerated, or access keys are disabled.',
      remedy: 'Use an identity of Entra instead of the key; or copy the current key.',
      command: az.show,
    };
  }
  const { username } = clientOptions.authenticator;
  const objectId = text(claims, 'oid');
  if (objectId !== undefined && objectId !== username) {
    const withObjectId = await tryLogin(context, 'AUTH', objectId, String(clientOptions.password));
    const isCause = withObjectId.isAccepted;
    return {
      why: isCause
        ? `The user name is wrong: as ${objectId}, the object id of the identity, the same token logs in.`
        : `The user name differs from the object id of the identity, ${objectId}; as that the token is refused too, so the identity has no access policy either.`,
      remedy: `Remove \`username\`: its default is the object id.${isCause ? '' : ' Then assign an access policy to the identity.'}`,
      command: az.assignAccess(objectId),
    };
  }
  const policy =
    'Assign an access policy of this cache to this object id (for a service principal that of the enterprise application, not that of the app registration). A new assignment takes effect after a short while.';
  if (target.product === 'managed' && target.isProductKnown) {
    return {
      why: 'The identity has no access policy on this cache, or belongs to another tenant: in Azure Managed Redis, Entra authentication is always on.',
      remedy: policy,
      command: az.assignAccess(username),
    };
  }
  return {
    why: 'In this order: the identity has no access policy on this cache; Entra authentication is off (Azure Cache for Redis); the tenant of the token is not that of the cache.',
    remedy: `${policy} Enable Entra authentication (${az.enableEntra}). With the resource id of the cache (\`resourceId\`, \`--resource-id\`) both are read from Azure.`,
    command: az.assignAccess(username),
  };
}
