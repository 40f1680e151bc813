import { randomUUID } from 'node:crypto';
import type { Answer } from '../lib/configure/azure-caches.js';
import type { TrialClient } from './client.js';
import { type Section, sentence } from './finding.js';

/** A kind of command that a role permits or denies. */
interface Ability {
  readonly name: 'reads' | 'writes' | 'pub/sub' | 'scripts' | 'blocking' | 'dangerous';
  /** The commands in the message. */
  readonly example: string;
  /** The commands that must all be permitted, on the key of the trials. */
  readonly commands: readonly string[];
}

/**
 * Each ability with commands that harm nothing: they use a temporary key, which expires after a minute. FLUSHALL and the
 * like are not tried, only commands of the category `dangerous` that read.
 */
const ABILITIES: readonly Ability[] = [
  { name: 'reads', example: 'GET', commands: ['GET KEY'] },
  { name: 'writes', example: 'SET', commands: ['SET KEY trial PX 60000'] },
  { name: 'pub/sub', example: 'PUBLISH, SUBSCRIBE', commands: ['PUBLISH KEY trial', 'SUBSCRIBE KEY'] },
  { name: 'scripts', example: 'EVAL', commands: ['EVAL return(1) 0'] },
  { name: 'blocking', example: 'BLPOP', commands: ['BLPOP KEY:list 0.01'] },
  {
    name: 'dangerous',
    example: 'INFO, SORT, CLIENT LIST',
    commands: ['INFO server', 'SORT KEY:list', 'CLIENT LIST'],
  },
];

type Abilities = Readonly<Record<Ability['name'], boolean>>;

type Permits = (command: string) => Promise<boolean>;

/** Connects, and determines what the role of the user permits. Resolves to whether it permits INFO. @throws TrialError */
export async function checkPermissions(section: Section, client: TrialClient): Promise<boolean> {
  await client.connect();
  const { username } = client.authenticator;
  const [user, dryRun] = await Promise.all([
    client.ask('ACL', 'WHOAMI'),
    client.ask('ACL', 'DRYRUN', username, 'PING'),
  ]);
  section.report(
    'user',
    'reply' in user
      ? { ok: `The connection is logged in as ${String(user.reply)} (ACL WHOAMI).` }
      : { skipped: `ACL WHOAMI is not permitted: ${sentence(user.error)}` },
  );
  // The hash tag keeps both keys of the trials in one slot.
  const key = `ioredis-azure:doctor:{${randomUUID()}}`;
  const [method, permits] =
    'reply' in dryRun
      ? ['ACL DRYRUN', permitsByDryRun(client, username)]
      : ['trials on a temporary key', permitsByTrial(client)];
  try {
    const [abilities, allowsInfo] = await Promise.all([findAbilities(permits, key), permits('INFO server')]);
    reportRole(section, abilities, method);
    section.report('info', [
      { when: allowsInfo, ok: 'INFO is permitted: the ready check of ioredis works.' },
      {
        warning: 'INFO is denied: the ready check of ioredis fails.',
        severity: 'low',
        why: 'ioredis logs "Skipping the ready check because INFO command fails", or does not become ready.',
        remedy: 'Set `enableReadyCheck: false` in the options of the client.',
      },
    ]);
    return allowsInfo;
  } finally {
    // It expires in any case.
    await client.ask('DEL', key, `${key}:list`).catch(() => undefined);
  }
}

/** The reply is OK, or a string that names what is denied. */
function permitsByDryRun(client: TrialClient, username: string): Permits {
  return async (command) => {
    const answer = await client.ask('ACL', 'DRYRUN', username, ...command.split(' '));
    return 'reply' in answer && String(answer.reply) === 'OK';
  };
}

function permitsByTrial(client: TrialClient): Permits {
  return async (command) => {
    const [name = '', ...args] = command.split(' ');
    return isPermitted(
      await (name === 'SUBSCRIBE' ? client.askToSubscribe(args.join()) : client.ask(name, ...args)),
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
      const permitted = await Promise.all(commands.map((command) => permits(command.replace('KEY', key))));
      return [name, permitted.every(Boolean)] as const;
    }),
  );
  return Object.fromEntries(found) as Abilities;
}

function reportRole({ az, target, report }: Section, abilities: Abilities, method: string): void {
  const list = (isPermitted: boolean): string =>
    ABILITIES.filter(({ name }) => abilities[name] === isPermitted)
      .map(({ name, example }) => `${name} (${example})`)
      .join(', ') || 'nothing';
  const message = `${roleOf(abilities)}: it permits ${list(true)}; it denies ${list(false)} (determined by ${method}).`;
  const data = { ...abilities, method };
  report('role', [
    {
      when: !abilities.reads,
      error: message,
      why: 'The application cannot read.',
      remedy: 'Assign an access policy that permits the commands of the application.',
      command: az?.assignAccess(),
      data,
    },
    {
      when: abilities.dangerous && target.product === 'cache',
      warning: message,
      severity: 'low',
      why: 'Dangerous commands, such as FLUSHALL and KEYS, can delete all data or block the cache. Applications rarely need them.',
      remedy: 'Assign Data Contributor, or a custom policy, unless the application needs them.',
      command: az?.assignAccess(),
      data,
    },
    { ok: message, data },
  ]);
}

function roleOf({ reads, writes, dangerous }: Abilities): string {
  if (reads && writes && dangerous) return 'The role is like Data Owner';
  if (reads && writes) return 'The role is like Data Contributor';
  if (reads && !writes) return 'The role is like Data Reader';
  return 'The role is a custom one';
}
