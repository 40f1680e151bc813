import { randomBytes } from 'node:crypto';
import { messageOf } from '../lib/redaction.js';
import { type Section, sentence } from './finding.js';
import { isPrivateAddress } from './network.js';
import type { Context } from './options.js';
import { firstReplyLine } from './probe.js';

/** Checks the security of the cache from outside, as any client can, at the addresses that accept connections. */
export async function checkPosture(
  section: Section,
  reachable: readonly string[],
  { isSecure, isLoggedIn }: { readonly isSecure: boolean; readonly isLoggedIn: boolean },
): Promise<void> {
  reportExposure(section, reachable);
  if (!isSecure) return;
  const [toPing, toWrongKey] = await Promise.all([
    answerTo(section, ['PING']),
    answerTo(section, ['AUTH', 'default', randomBytes(33).toString('base64')]),
  ]);
  reportDefaultUser(section, toPing);
  reportKeys(section, toWrongKey, isLoggedIn && section.options.accessKey !== undefined);
}

/** The answer to a command on a connection that is not logged in; empty if there is none. */
async function answerTo(context: Context, command: readonly string[]): Promise<string> {
  try {
    return await firstReplyLine(context, command);
  } catch (error) {
    // A proxy in front of the cache may refuse the command by closing the connection.
    return messageOf(error).includes('closed') ? '-connection closed' : '';
  }
}

function reportExposure({ az, host, report }: Section, reachable: readonly string[]): void {
  const exposed = reachable.filter((address) => !isPrivateAddress(address));
  report('public-network', [
    { when: reachable.length === 0, skipped: 'The cache cannot be reached.' },
    { when: exposed.length === 0, ok: `${host} has a private address here.`, data: { addresses: reachable } },
    {
      warning: `${host} accepts connections at a public address (${exposed.join(', ')}).`,
      why: 'A stolen token or key can be used from anywhere.',
      remedy: 'Connect through a private endpoint and disable public network access, or add firewall rules.',
      command: az?.disablePublicAccess,
      data: { addresses: exposed },
    },
  ]);
}

/** A cache must refuse commands before a login. */
function reportDefaultUser({ az, report }: Section, answer: string): void {
  report('default-user', [
    { when: answer === '', skipped: 'A command without a login was not answered.' },
    {
      when: answer.startsWith('+'),
      error: 'The cache answers commands without a login.',
      why: 'Every client that can connect may read and change the data, as the user `default`.',
      remedy: 'Require a login (Azure portal, Authentication).',
      command: az?.show,
      data: { answer },
    },
    { ok: `Without a login, the cache refuses commands: ${sentence(answer.slice(1))}`, data: { answer } },
  ]);
}

function reportKeys({ az, report }: Section, answer: string, isKeyUsed: boolean): void {
  report('access-keys', [
    {
      when: isKeyUsed,
      warning: 'Access keys are enabled: this login uses one.',
      severity: 'high',
      why: 'A key is a shared secret with all permissions, which does not expire.',
      remedy: 'Use an identity of Entra, then disable access keys.',
      command: az?.disableKeys,
    },
    { when: answer === '', skipped: 'A login with a wrong key was not answered.' },
    {
      // Redis answers a wrong key as it answers any key of a disabled user: only an answer that names the reason tells.
      when: /disabled/i.test(answer) && !/user is disabled/i.test(answer),
      ok: `Access keys are disabled: ${sentence(answer.slice(1))}`,
      data: { answer },
    },
    {
      when: answer.startsWith('+'),
      error: 'The cache accepts any access key: its default user has no password.',
      remedy: 'Disable access keys.',
      command: az?.disableKeys,
    },
    {
      info: `Whether access keys are enabled is unknown. A wrong key is refused: ${sentence(answer.slice(1))}`,
      why: 'Redis gives the same answer to a wrong key and to every key while access keys are disabled.',
      remedy: 'Set the resource id of the cache (`resourceId`, `--resource-id`) to read it from Azure.',
      command: az?.showKeys,
      data: { answer },
    },
  ]);
}
