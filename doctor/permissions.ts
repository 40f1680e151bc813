import { randomUUID } from 'node:crypto';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Answer, Session } from './session.js';

/** What the permissions section found out. */
export interface Permissions {
  /** Whether the user may run INFO, which the ready check of ioredis needs. */
  readonly allowsInfo: boolean;
}

/** A kind of command that a role permits or denies. */
interface Ability {
  readonly name: 'reads' | 'writes' | 'pub/sub' | 'scripts' | 'blocking' | 'dangerous';
  /** The commands in the message. */
  readonly example: string;
  /** The commands that must all be permitted. */
  readonly commands: (key: string) => readonly Command[];
}

/** The time to live of the key of the trials, in ms. */
const KEY_LIFETIME = 60_000;

/**
 * Each ability with commands that harm nothing: they use a temporary key, which expires. FLUSHALL and the like are not
 * tried, only commands of the category `dangerous` that read.
 */
const ABILITIES: readonly Ability[] = [
  { name: 'reads', example: 'GET', commands: (key) => [['GET', key]] },
  {
    name: 'writes',
    example: 'SET',
    commands: (key) => [['SET', key, 'trial', 'PX', String(KEY_LIFETIME)]],
  },
  {
    name: 'pub/sub',
    example: 'PUBLISH, SUBSCRIBE',
    commands: (key) => [
      ['PUBLISH', key, 'trial'],
      ['SUBSCRIBE', key],
    ],
  },
  { name: 'scripts', example: 'EVAL', commands: () => [['EVAL', 'return 1', '0']] },
  { name: 'blocking', example: 'BLPOP', commands: (key) => [['BLPOP', `${key}:list`, '0.01']] },
  {
    name: 'dangerous',
    example: 'INFO, SORT, CLIENT LIST',
    commands: (key) => [
      ['INFO', 'server'],
      ['SORT', `${key}:list`],
      ['CLIENT', 'LIST'],
    ],
  },
];

type Abilities = Readonly<Record<Ability['name'], boolean>>;

type Command = readonly [string, ...string[]];

type Permits = (command: Command) => Promise<boolean>;

/** Determines what the role of the user permits. @throws SessionError */
export async function checkPermissions(
  context: DiagnosisContext,
  session: Session,
  identity: DiagnosedIdentity,
  report: SectionReport,
): Promise<Permissions> {
  const { username } = identity.clientOptions.authenticator;
  const [user, dryRun] = await Promise.all([
    session.ask('ACL', 'WHOAMI'),
    session.ask('ACL', 'DRYRUN', username, 'PING'),
  ]);
  reportUser(user, report);
  // The hash tag keeps both keys of the trials in one slot.
  const key = `ioredis-azure:doctor:{${randomUUID()}}`;
  const tests =
    'reply' in dryRun
      ? { method: 'ACL DRYRUN', permits: permitsByDryRun(session, username) }
      : { method: 'trials on a temporary key', permits: permitsByTrial(session) };
  try {
    const [abilities, allowsInfo] = await Promise.all([
      findAbilities(tests.permits, key),
      tests.permits(['INFO', 'server']),
    ]);
    reportAbilities(context, abilities, tests.method, report);
    reportInfo(allowsInfo, report);
    return { allowsInfo };
  } finally {
    // It expires in any case.
    await session.ask('DEL', key, `${key}:list`).catch(() => undefined);
  }
}

function reportUser(answer: Answer, report: SectionReport): void {
  if ('reply' in answer)
    report.ok('user', `The connection is logged in as ${String(answer.reply)} (ACL WHOAMI).`);
  else report.skipped('user', `ACL WHOAMI is not permitted: ${sentence(answer.error)}`);
}

/** The reply is OK, or a string that names what is denied. */
function permitsByDryRun(session: Session, username: string): Permits {
  return async (command) => {
    const answer = await session.ask('ACL', 'DRYRUN', username, ...command);
    return 'reply' in answer && String(answer.reply) === 'OK';
  };
}

function permitsByTrial(session: Session): Permits {
  return async ([name, ...args]) => {
    const [channel = ''] = args;
    return isPermitted(
      name === 'SUBSCRIBE' ? await session.askToSubscribe(channel) : await session.ask(name, ...args),
    );
  };
}

/**
 * Whether the command was permitted. Redis checks permissions before anything else, so that MOVED and other errors prove
 * permission. Commands that Azure blocks for every role are answered as unknown.
 */
function isPermitted(answer: Answer): boolean {
  return 'reply' in answer || !/^NOPERM|unknown (sub)?command|not allowed/i.test(answer.error);
}

async function findAbilities(permits: Permits, key: string): Promise<Abilities> {
  // In one batch: they run in this order, and the key exists once it has been written.
  const found = await Promise.all(
    ABILITIES.map(async ({ name, commands }) => {
      const permitted = await Promise.all(commands(key).map(permits));
      return [name, permitted.every(Boolean)] as const;
    }),
  );
  return Object.fromEntries(found) as Abilities;
}

function reportAbilities(
  { az, target }: DiagnosisContext,
  abilities: Abilities,
  method: string,
  report: SectionReport,
): void {
  const permitted = ABILITIES.filter(({ name }) => abilities[name]);
  const denied = ABILITIES.filter(({ name }) => !abilities[name]);
  const message = `${roleOf(abilities)}: it permits ${list(permitted)}; it denies ${list(denied)} (determined by ${method}).`;
  const data = { ...abilities, method };
  if (!abilities.reads) {
    report.error('role', message, {
      severity: 'high',
      why: 'The application cannot read.',
      remedy: 'Assign an access policy that permits the commands of the application.',
      command: az.assignAccess('$OBJECT_ID'),
      data,
    });
  } else if (abilities.dangerous && target.product === 'cache') {
    report.warning('role', message, {
      severity: 'low',
      why: 'Dangerous commands, such as FLUSHALL and KEYS, can delete all data or block the cache. Applications rarely need them.',
      remedy: 'Assign Data Contributor, or a custom policy, unless the application needs them.',
      command: az.assignAccess('$OBJECT_ID', 'Data Contributor'),
      data,
    });
  } else report.ok('role', message, { data });
}

function list(abilities: readonly Ability[]): string {
  return abilities.length === 0
    ? 'nothing'
    : abilities.map(({ name, example }) => `${name} (${example})`).join(', ');
}

function roleOf({ reads, writes, dangerous }: Abilities): string {
  if (reads && writes && dangerous) return 'The role is like Data Owner';
  if (reads && writes) return 'The role is like Data Contributor';
  if (reads && !writes) return 'The role is like Data Reader';
  return 'The role is a custom one';
}

function reportInfo(allowsInfo: boolean, report: SectionReport): void {
  if (allowsInfo) {
    report.ok('info', 'INFO is permitted: the ready check of ioredis works.');
    return;
  }
  report.warning('info', 'INFO is denied: the ready check of ioredis fails.', {
    severity: 'low',
    why: 'ioredis logs "Skipping the ready check because INFO command fails", or does not become ready.',
    remedy: 'Set `enableReadyCheck: false` in the options of the client.',
  });
}
