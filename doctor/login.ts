import { messageOf } from '../lib/redaction.js';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import { firstReplyLine } from './redis-probe.js';
import { text } from './token-description.js';

/** The result of the login section. */
export interface LoginResult {
  /** Whether a client can log in, by either command. */
  readonly isAccepted: boolean;
}

/** The result of a login by one command. */
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
    report.warning(check, `${name} with AUTH failed, although AUTH is accepted: ${sentence(answer)}`, {
      severity: 'low',
      why: 'Some endpoints of Azure refuse a login by HELLO. This package then logs in with AUTH over RESP2; other clients may fail.',
      remedy: 'ioredis with this package needs no change. In other clients, set the protocol to RESP2.',
      data: { answer },
    });
  } else {
    report.info(check, `${name} with AUTH failed: ${sentence(answer)}`, { data: { answer } });
  }
}

async function reportCause(
  context: DiagnosisContext,
  identity: DiagnosedIdentity,
  { answer }: Attempt,
  report: SectionReport,
): Promise<void> {
  const { username } = identity.clientOptions.authenticator;
  const message = `AUTH as ${username} failed: ${sentence(answer)}`;
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
    return 'The server is older than Redis 6, which introduced user names. Check host and port.';
  if (/max number of clients/i.test(answer))
    return 'The limit of client connections is reached: close connections, or scale the cache up.';
  return 'The endpoint closed the connection, did not answer, or gave an unexpected answer: check that it is the cache, then its health (Azure portal, Resource health).';
}

/** WRONGPASS has no reason: a login with the object id and the product narrow the causes down. */
async function causeOfWrongPass(
  context: DiagnosisContext,
  { clientOptions, claims, usesAccessKey }: DiagnosedIdentity,
): Promise<{ why: string; remedy: string; command?: string }> {
  const { az, target } = context;
  if (usesAccessKey) {
    return {
      why: 'The key is wrong or has been regenerated, or access keys are disabled.',
      remedy:
        'Use an identity of Entra instead of the key, or copy the current key (Azure portal, Authentication).',
      command: az.showKeys,
    };
  }
  const { username } = clientOptions.authenticator;
  const objectId = text(claims, 'oid');
  if (objectId !== undefined && objectId !== username) {
    const withObjectId = await tryLogin(context, 'AUTH', objectId, String(clientOptions.password));
    return withObjectId.isAccepted
      ? {
          why: `The user name is wrong: as ${objectId}, the object id of the identity, the same token logs in.`,
          remedy: 'Remove `username`: its default is the object id.',
        }
      : {
          why: `The user name is not the object id of the identity, ${objectId}, as which the token is refused too: the identity has no access policy either.`,
          remedy:
            'Remove `username`: its default is the object id. Then assign an access policy to the identity.',
          command: az.assignAccess(objectId),
        };
  }
  const policy =
    'Assign an access policy of this cache to this object id (of a service principal: that of the enterprise application, not of the app registration). An assignment takes effect after a short time.';
  const command = az.assignAccess(username);
  if (target.product === 'managed' && target.isProductKnown) {
    return {
      why: 'The identity has no access policy on this cache, or belongs to another tenant. Entra authentication is always enabled in Azure Managed Redis.',
      remedy: policy,
      command,
    };
  }
  const enable = az.enableEntra === undefined ? '(Azure portal, Authentication)' : `(${az.enableEntra})`;
  return {
    why: 'The most likely causes, in this order: the identity has no access policy on this cache; Entra authentication is disabled (Azure Cache for Redis only); the token is of another tenant.',
    remedy: `${policy} Enable Entra authentication ${enable}. Set the resource id of the cache (\`resourceId\`, \`--resource-id\`) to read both from Azure.`,
    command,
  };
}
