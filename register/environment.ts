/** What the environment variables of `ioredis-azure/register` say. */
export interface Environment {
  /** The names of the only hosts to log in to, in lower case; `undefined` for those with a suffix of Azure's. */
  readonly hosts: ReadonlySet<string> | undefined;
  readonly replacePassword: boolean;
  readonly scope: string | undefined;
  readonly username: string | undefined;
}

const PREFIX = 'IOREDIS_AZURE_';
const NAMES = ['HOSTS', 'REPLACE_PASSWORD', 'SCOPE', 'USERNAME'].map((name) => PREFIX + name);

/** Characters of host names and IP addresses; not of ports, URLs and patterns. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*)$/;

/**
 * Reads the variables. Empty ones count as absent, since Compose and Kubernetes set a variable that has no value.
 *
 * @param report Receives a sentence for each mistake, which has no other effect than that a value is not used.
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  report: (mistake: string, remedy: string) => void,
): Environment {
  for (const name of Object.keys(variables)) {
    if (name.startsWith(PREFIX) && !NAMES.includes(name)) {
      report(`The environment variable ${name} has no effect.`, `The variables are ${NAMES.join(', ')}.`);
    }
  }
  const valueOf = (name: string): string | undefined => variables[PREFIX + name]?.trim() || undefined;
  return {
    hosts: hostsIn(valueOf('HOSTS'), report),
    replacePassword: flagIn(valueOf('REPLACE_PASSWORD'), report),
    scope: valueOf('SCOPE'),
    username: valueOf('USERNAME'),
  };
}

function hostsIn(
  value: string | undefined,
  report: (mistake: string, remedy: string) => void,
): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  const hosts = names.filter((name) => HOST.test(name));
  if (hosts.length < names.length) {
    // Not shown: a URL may hold a password.
    report(
      `${PREFIX}HOSTS has an entry that is not a host name, which has no effect.`,
      'List bare host names, separated by commas, without protocol, port or path.',
    );
  }
  return new Set(hosts);
}

function flagIn(value: string | undefined, report: (mistake: string, remedy: string) => void): boolean {
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1') return true;
  report(
    `${PREFIX}REPLACE_PASSWORD is neither true nor false, and has no effect.`,
    'Set it to true or false.',
  );
  return false;
}
