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

/** Receives a mistake, which has no other effect than that a value is not used. */
type Report = (mistake: string, remedy: string) => void;

/** Reads the variables. An empty one counts as absent: Compose and Kubernetes set a variable that has no value. */
export function readEnvironment(variables: NodeJS.ProcessEnv, report: Report): Environment {
  for (const name of Object.keys(variables)) {
    if (name.startsWith(PREFIX) && !NAMES.includes(name)) {
      report(`The environment variable ${name} has no effect.`, `The variables are ${NAMES.join(', ')}.`);
    }
  }
  const [hosts, replacePassword, scope, username] = NAMES.map((name) => {
    const value = variables[name]?.trim();
    return value === '' ? undefined : value;
  });
  return {
    hosts: hosts === undefined ? undefined : hostsIn(hosts, report),
    replacePassword: isSet(replacePassword, report),
    scope,
    username,
  };
}

function hostsIn(value: string, report: Report): ReadonlySet<string> {
  const entries = value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  const hosts = entries.filter((entry) => HOST.test(entry));
  if (hosts.length < entries.length) {
    // Without the entry: a URL may hold a password.
    report(
      'IOREDIS_AZURE_HOSTS has an entry that is no host name, and has no effect.',
      'List bare host names, separated by commas, without protocol, port or path.',
    );
  }
  return new Set(hosts);
}

function isSet(value: string | undefined, report: Report): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false') {
    report('IOREDIS_AZURE_REPLACE_PASSWORD has no effect.', 'Set it to true or false.');
  }
  return value === 'true';
}
