import { randomBytes } from 'node:crypto';
import { messageOf } from '../lib/redaction.js';
import { isPrivateAddress } from './addresses.js';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import type { NetworkResult } from './network.js';
import { firstReplyLine } from './redis-probe.js';

/** The results of earlier checks. */
export interface PostureInput {
  readonly network: NetworkResult;
  /** Whether the TLS checks passed. */
  readonly isSecure: boolean;
  /** Whether the identity or access key logged in. */
  readonly isLoggedIn: boolean;
}

/** Checks the security of the cache from outside, as any client can. */
export async function checkPosture(
  context: DiagnosisContext,
  { network, isSecure, isLoggedIn }: PostureInput,
  report: SectionReport,
): Promise<void> {
  reportExposure(context, network, report);
  if (!isSecure) return;
  const [ofPing, ofWrongKey] = await Promise.all([
    answerTo(context, ['PING']),
    answerTo(context, ['AUTH', 'default', randomBytes(33).toString('base64')]),
  ]);
  context.signal.throwIfAborted();
  reportDefaultUser(context, ofPing, report);
  if (isLoggedIn && context.options.accessKey !== undefined) reportUsedKey(context, report);
  else reportKeys(context, ofWrongKey, report);
}

function reportExposure(
  { az, host }: DiagnosisContext,
  { reachable }: NetworkResult,
  report: SectionReport,
): void {
  const exposed = reachable.filter((address) => !isPrivateAddress(address));
  if (exposed.length > 0) {
    report.warning(
      'public-network',
      `${host} accepts connections at a public address (${exposed.join(', ')}).`,
      {
        severity: 'medium',
        why: 'A stolen token or key can be used from anywhere.',
        remedy:
          'Connect through a private endpoint and disable public network access, or add firewall rules.',
        command: az.disablePublicAccess,
        data: { addresses: exposed },
      },
    );
  } else if (reachable.length > 0) {
    report.ok('public-network', `${host} has a private address here.`, {
      data: { addresses: reachable },
    });
  } else {
    report.skipped('public-network', 'The cache cannot be reached.');
  }
}

/** A cache must refuse commands before a login. */
function reportDefaultUser(
  { az }: DiagnosisContext,
  answer: string | undefined,
  report: SectionReport,
): void {
  if (answer === undefined) {
    report.skipped('default-user', 'A command without a login was not answered.');
  } else if (answer.startsWith('+')) {
    report.error('default-user', 'The cache answers commands without a login.', {
      severity: 'high',
      why: 'Every client that can connect may read and change the data, as the user `default`.',
      remedy: 'Require a login (Azure portal, Authentication).',
      command: az.show,
      data: { answer },
    });
  } else {
    report.ok('default-user', `Without a login, the cache refuses commands: ${sentence(answer.slice(1))}`, {
      data: { answer },
    });
  }
}

function reportUsedKey({ az }: DiagnosisContext, report: SectionReport): void {
  report.warning('access-keys', 'Access keys are enabled: this login uses one.', {
    severity: 'high',
    why: 'A key is a shared secret with all permissions, which does not expire.',
    remedy: 'Use an identity of Entra, then disable access keys.',
    command: az.disableKeys,
  });
}

/**
 * Whether access keys are enabled. Redis answers a wrong key as it answers any key of a disabled user: only an answer that
 * names the reason is conclusive.
 */
function reportKeys({ az }: DiagnosisContext, answer: string | undefined, report: SectionReport): void {
  if (answer === undefined) {
    report.skipped('access-keys', 'A login with a wrong key was not answered.');
  } else if (/disabled/i.test(answer) && !/user is disabled/i.test(answer)) {
    report.ok('access-keys', `Access keys are disabled: ${sentence(answer.slice(1))}`, { data: { answer } });
  } else if (answer.startsWith('+')) {
    report.error('access-keys', 'The cache accepts any access key: its default user has no password.', {
      severity: 'high',
      remedy: 'Disable access keys.',
      command: az.disableKeys,
    });
  } else {
    report.info(
      'access-keys',
      `Whether access keys are enabled is unknown. A wrong key is refused: ${sentence(answer.slice(1))}`,
      {
        why: 'Redis gives the same answer to a wrong key and to every key while access keys are disabled.',
        remedy: 'Set the resource id of the cache (`resourceId`, `--resource-id`) to read it from Azure.',
        command: az.showKeys,
        data: { answer },
      },
    );
  }
}

async function answerTo(context: DiagnosisContext, command: readonly string[]): Promise<string | undefined> {
  try {
    return await firstReplyLine(context, command);
  } catch (error) {
    // A proxy in front of the cache may refuse the command by closing the connection.
    return messageOf(error).includes('closed') ? '-connection closed' : undefined;
  }
}
