import { input, password, select } from '@inquirer/prompts';
import { FIELDS, IDENTITIES, type Field } from './identities.js';

/** Asks where the cache is. Nothing stands for the emulator. */
export async function askForHost(): Promise<{ host?: string; port?: string }> {
  const choices = [
    { value: false, name: 'On this machine: an emulator, with tokens that expire after 5 s' },
    { value: true, name: 'In Azure' },
  ];
  if (!(await select({ message: 'Where is the cache?', choices }))) return {};
  const host = await input({
    message: 'Host name, such as my-cache.westeurope.redis.azure.net:',
    required: true,
  });
  const port = await input({ message: 'Port (empty: the one of the host suffix):' });
  return { host, ...(port && { port }) };
}

export function askForIdentity(): Promise<string> {
  const choices = Object.entries(IDENTITIES).map(([value, { title: name }]) => ({ value, name }));
  return select({ message: 'Who logs in?', choices, pageSize: choices.length });
}

/** A secret is not shown as it is typed. */
export function askFor(field: Field): Promise<string> {
  const { question, ...kind } = FIELDS[field];
  if ('isSecret' in kind) return password({ message: `${question}:` });
  return input({ message: `${question}:`, required: true });
}
