import type { Authenticator } from '../lib/authenticator.js';
import { messageOf } from '../lib/redaction.js';
import { type Advice, type Section, sentence, type Verdict } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Context } from './options.js';
import { firstReplyLine } from './probe.js';

/** How a login by one command ended. */
interface Login {
  readonly isAccepted: boolean;
  /** Whether there was a reply that refuses it. */
  readonly isRefused: boolean;
  /** The first line of the reply, or why there is none. */
  readonly answer: string;
}

const ASSIGN_POLICY =
  'Assign an access policy of this cache to this object id (of a service principal: that of the enterprise application, not of the app registration). An assignment takes effect after a short time.';

/** Logs in by AUTH and by HELLO, each on a separate connection. Resolves to whether a client can log in, by either. */
export async function checkLogin(section: Section, identity: DiagnosedIdentity): Promise<boolean> {
  const { authenticator } = identity.clientOptions;
  const { username } = authenticator;
  const [auth, hello2, hello3] = await Promise.all([
    logIn(section, authenticator),
    logIn(section, authenticator, { command: ['HELLO', '2', 'AUTH'] }),
    logIn(section, authenticator, { command: ['HELLO', '3', 'AUTH'] }),
  ]);
  const { isAccepted, answer } = auth;
  const causes = isAccepted ? [] : await causesOf(answer, section, identity);
  const refused = { error: `AUTH as ${username} failed: ${sentence(answer)}`, data: { username, answer } };
  section.report('auth', [
    { when: isAccepted, ok: `AUTH logs in as ${username} (RESP2).`, data: { username } },
    ...causes.map((cause) => ({ ...refused, ...cause })),
  ]);
  section.report('hello-resp2', helloVerdicts('2', hello2, auth));
  section.report('hello-resp3', helloVerdicts('3', hello3, auth));
  return isAccepted || hello3.isAccepted;
}

/** Connects to the host of the context, verifies its certificate, and logs in. */
export async function logIn(
  context: Context,
  { username: ownName, login }: Authenticator,
  { command = ['AUTH'], username = ownName } = {},
): Promise<Login> {
  try {
    const line = await firstReplyLine(context, [...command, username, login.password()]);
    const isRefused = line.startsWith('-');
    return { isAccepted: !isRefused, isRefused, answer: line.replace(/^[-+]/, '') };
  } catch (error) {
    return { isAccepted: false, isRefused: false, answer: messageOf(error) };
  }
}

/** What may be the cause. WRONGPASS has no reason: a login with the object id, and the product, narrow the causes down. */
async function causesOf(answer: string, section: Section, identity: DiagnosedIdentity): Promise<Advice[]> {
  const { az, target, options } = section;
  const { authenticator } = identity.clientOptions;
  const { username } = authenticator;
  const { objectId = username } = identity;
  const isWrongPass = answer.startsWith('WRONGPASS');
  const isOtherName = objectId !== username;
  const isWrongName =
    isWrongPass && isOtherName && (await logIn(section, authenticator, { username: objectId })).isAccepted;
  return [
    {
      when: /unknown command/i.test(answer),
      remedy: 'The server is older than Redis 6, which introduced user names. Check host and port.',
    },
    {
      when: /max number of clients/i.test(answer),
      remedy: 'The limit of client connections is reached: close connections, or scale the cache up.',
    },
    {
      when: !isWrongPass,
      remedy:
        'The endpoint closed the connection, did not answer, or gave an unexpected answer: check that it is the cache, then its health (Azure portal, Resource health).',
    },
    {
      when: options.accessKey !== undefined,
      why: 'The key is wrong or has been regenerated, or access keys are disabled.',
      remedy:
        'Use an identity of Entra instead of the key, or copy the current key (Azure portal, Authentication).',
      command: az?.showKeys,
    },
    {
      when: isWrongName,
      why: `The user name is wrong: as ${objectId}, the object id of the identity, the same token logs in.`,
      remedy: 'Remove `username`: its default is the object id.',
    },
    {
      when: isOtherName,
      why: `The user name is not the object id of the identity, ${objectId}, as which the token is refused too: the identity has no access policy either.`,
      remedy:
        'Remove `username`: its default is the object id. Then assign an access policy to the identity.',
      command: az?.assignAccess(objectId),
    },
    {
      when: target.product === 'managed' && target.isProductKnown,
      why: 'The identity has no access policy on this cache, or belongs to another tenant. Entra authentication is always enabled in Azure Managed Redis.',
      remedy: ASSIGN_POLICY,
      command: az?.assignAccess(username),
    },
    {
      why: 'The most likely causes, in this order: the identity has no access policy on this cache; Entra authentication is disabled (Azure Cache for Redis only); the token is of another tenant.',
      remedy: `${ASSIGN_POLICY} Enable Entra authentication (${az?.enableEntra ?? 'Azure portal, Authentication'}). Set the resource id of the cache (\`resourceId\`, \`--resource-id\`) to read both from Azure.`,
      command: az?.assignAccess(username),
    },
  ];
}

function helloVerdicts(version: '2' | '3', { isAccepted, answer }: Login, auth: Login): Verdict[] {
  return [
    { when: isAccepted, ok: `HELLO ${version} with AUTH logs in (RESP${version}).` },
    {
      when: auth.isAccepted,
      warning: `HELLO ${version} with AUTH failed, although AUTH is accepted: ${sentence(answer)}`,
      severity: 'low',
      why: 'Some endpoints of Azure refuse a login by HELLO. This package then logs in with AUTH over RESP2; other clients may fail.',
      remedy: 'ioredis with this package needs no change. In other clients, set the protocol to RESP2.',
      data: { answer },
    },
    { info: `HELLO ${version} with AUTH failed: ${sentence(answer)}`, data: { answer } },
  ];
}
