import { randomUUID } from 'node:crypto';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import type { Answer, Session } from './session.js';

/** What the permissions section found out. */
export interface Permissions {
  /** Whether the user may run INFO, which the ready check of ioredis needs. */
  readonly allowsInfo: boolean;
}

/** Something that a role may or may not do. */
interface Ability {
  readonly name: 'reads' | 'writes' | 'pub/sub' | 'scripts' | 'blocking' | 'dangerous';
  /** What it stands for, in the message. */
  readonly example: string;
  /** The commands that all must be permitted. */
  readonly commands: (key: string) => readonly (readonly [string, ...string[]])[];
}

/** How long the key of the trials exists at most, in ms. */
const KEY_LIFETIME = 60_000;

/**
 * Each ability by commands that harm nothing: they touch a key of their own, which expires. FLUSHALL and its like are not
 * tried; the dangerous commands are those of the same category that only read.
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

/** Finds out what the role of the user permits. */
export async function checkPermissions(
  context: DiagnosisContext,
  session: Session,
  identity: DiagnosedIdentity,
  report: SectionReport,
): Promise<Permissions> {
  await reportUser(session, report);
  const { username } = identity.clientOptions.authenticator;
  // In braces, so that both keys of the trials are in one slot.
  const key = `ioredis-azure:doctor:{${randomUUID()}}`;
  const tests = (await supportsDryRun(session, username))
    ? { method: 'ACL DRYRUN', permits: permitsByDryRun(session, username) }
    : { method: 'trials on a temporary key', permits: permitsByTrial(session) };
  try {
    const abilities = await findAbilities(tests.permits, key);
    const allowsInfo = await tests.permits(['INFO', 'server']);
    reportAbilities(context, abilities, tests.method, report);
    reportInfo(allowsInfo, report);
    return { allowsInfo };
  } finally {
    // It expires in any case, and a reader has not created it.
    await session.ask('DEL', key, `${key}:list`).catch(() => undefined);
  }
}

async function reportUser(session: Session, report: SectionReport): Promise<void> {
  const answer = await session.ask('ACL', 'WHOAMI');
  if ('reply' in answer)
    report.ok('user', `The cache knows this connection as ${String(answer.reply)} (ACL WHOAMI).`);
  else report.skipped('user', `ACL WHOAMI is not permitted here: ${answer.error}.`);
}

type Permits = (command: readonly [string, ...string[]]) => Promise<boolean>;

async function supportsDryRun(session: Session, username: string): Promise<boolean> {
  const answer = await session.ask('ACL', 'DRYRUN', username, 'PING');
  return 'reply' in answer;
}

/** Redis answers OK, or says in a string what the user may not do. */
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
 * Whether an answer is that of a permitted command. Redis judges permissions first, so that MOVED, of a cluster, and
 * other errors come after them. Azure answers the commands that it blocks for everybody as unknown.
 */
function isPermitted(answer: Answer): boolean {
  return 'reply' in answer || !/^NOPERM|unknown (sub)?command|not allowed/i.test(answer.error);
}

async function findAbilities(permits: Permits, key: string): Promise<Abilities> {
  const found: Partial<Record<Ability['name'], boolean>> = {};
  for (const { name, commands } of ABILITIES) {
    const permitted: boolean[] = [];
    // One after another: the key exists once it has been written.
    for (const command of commands(key)) permitted.push(await permits(command));
    found[name] = permitted.every(Boolean);
  }
  const { reads = false, writes = false, scripts = false, blocking = false, dangerous = false } = found;
  return { reads, writes, 'pub/sub': found['pub/sub'] ?? false, scripts, blocking, dangerous };
}

function reportAbilities(
  { az, target }: DiagnosisContext,
  abilities: Abilities,
  method: string,
  report: SectionReport,
): void {
  const permitted = ABILITIES.filter(({ name }) => abilities[name]);
  const denied = ABILITIES.filter(({ name }) => !abilities[name]);
  const message = `${roleOf(abilities)}: it permits ${list(permitted)}; it denies ${list(denied)} (found by ${method}).`;
  const data = { ...abilities, method };
  if (!abilities.reads) {
    report.error('role', message, {
      severity: 'high',
      why: 'The application cannot read.',
      remedy: 'Assign an access policy that permits what the application does.',
      command: az.assignAccess('$OBJECT_ID'),
      data,
    });
  } else if (abilities.dangerous && target.product === 'cache') {
    report.warning('role', message, {
      severity: 'low',
      why: 'Dangerous commands, such as FLUSHALL and KEYS, can delete all data or block the cache. Applications hardly need them.',
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
