import { randomBytes } from 'node:crypto';
import { messageOf } from '../redaction.js';
import { isPrivateAddress } from './addresses.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { NetworkResult } from './network.js';
import { firstReplyLine } from './redis-probe.js';

/** What the checks of the security posture know from those before. */
export interface PostureInput {
  readonly network: NetworkResult;
  /** Whether the login was made with an access key. */
  readonly usesAccessKey: boolean;
  /** Whether it was accepted. */
  readonly isLoggedIn: boolean;
}

/** Looks at the security of the cache as any client can. */
export async function checkPosture(
  context: DiagnosisContext,
  input: PostureInput,
  report: SectionReport,
): Promise<void> {
  reportExposure(context, input.network, report);
  if (input.network.reachable.length === 0) return;
  await reportDefaultUser(context, report);
  await reportKeys(context, input, report);
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
        why: 'Whoever obtains a token or key can use it from anywhere.',
        remedy:
          'Connect through a private endpoint and disable public network access; or allow only your addresses.',
        command: az.disablePublicAccess,
        data: { addresses: exposed },
      },
    );
  } else if (reachable.length > 0) {
    report.ok('public-network', `${host} is reached at a private address.`, {
      data: { addresses: reachable },
    });
  } else {
    report.skipped('public-network', 'The cache is not reached from here.');
  }
}

/** A cache must answer no command before a login. */
async function reportDefaultUser(context: DiagnosisContext, report: SectionReport): Promise<void> {
  const answer = await answerTo(context, ['PING']);
  if (answer === undefined) {
    report.skipped('default-user', 'The cache was not asked without a login.');
  } else if (answer.startsWith('+')) {
    report.error('default-user', 'The cache answers commands without any login.', {
      severity: 'high',
      why: 'Every client that reaches it can read and change the data, as the user `default`.',
      remedy: 'Require a login: enable Entra authentication, and disable access without keys.',
      command: context.az.show,
      data: { answer },
    });
  } else {
    report.ok('default-user', `Without a login the cache refuses commands (${answer.slice(1)}).`, {
      data: { answer },
    });
  }
}

/**
 * Whether access keys are still enabled. Redis gives the same answer to a wrong key as to any key of a disabled user, so
 * that only an answer that names the reason, or a key that works, settles it; Azure Resource Manager knows in any case.
 */
async function reportKeys(
  context: DiagnosisContext,
  { usesAccessKey, isLoggedIn }: PostureInput,
  report: SectionReport,
): Promise<void> {
  const { az } = context;
  if (usesAccessKey && isLoggedIn) {
    report.warning('access-keys', 'Access keys are enabled: this login used one.', {
      severity: 'high',
      why: 'A key is a shared secret with all permissions, which does not expire.',
      remedy: 'Use an identity of Entra, then disable access keys.',
      command: az.disableKeys,
    });
    return;
  }
  const answer = await answerTo(context, ['AUTH', 'default', randomBytes(33).toString('base64')]);
  if (answer === undefined) {
    report.skipped('access-keys', 'No key was tried.');
  } else if (/disabled/i.test(answer) && !/user is disabled/i.test(answer)) {
    report.ok('access-keys', `Access keys are disabled (${answer.slice(1)}).`, { data: { answer } });
  } else if (answer.startsWith('+')) {
    report.error('access-keys', 'The cache accepts any access key: its default user has no password.', {
      severity: 'high',
      remedy: 'Disable access keys.',
      command: az.disableKeys,
    });
  } else {
    report.info(
      'access-keys',
      `A wrong access key is refused (${answer.slice(1)}); a disabled one would be too.`,
      {
        why: 'Redis does not say whether a key is wrong or its user disabled.',
        remedy: 'With the resource id of the cache (`resourceId`, `--resource-id`), Azure tells it.',
        command: az.show,
        data: { answer },
      },
    );
  }
}

async function answerTo(context: DiagnosisContext, command: readonly string[]): Promise<string | undefined> {
  try {
    return await firstReplyLine(context, command);
  } catch (error) {
    context.signal.throwIfAborted();
    // A proxy in front of the cache may close the connection: that refuses the command too.
    return messageOf(error).includes('closed') ? '-connection closed' : undefined;
  }
}
