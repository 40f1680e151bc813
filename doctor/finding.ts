import { withoutTokens } from '../lib/redaction.js';

/** The sections of a diagnosis, in their order. */
export type DiagnosisSection =
  'network' | 'tls' | 'identity' | 'login' | 'permissions' | 'kind' | 'posture' | 'liveness';

/**
 * How a check ended:
 *
 * - `ok`: as it should be.
 * - `info`: a fact, neither good nor bad.
 * - `warning`: it works, but should be changed.
 * - `error`: the cause of a failure.
 * - `skipped`: it could not be checked; the message says why.
 */
export type FindingStatus = 'ok' | 'info' | 'warning' | 'error' | 'skipped';

/** How much a warning or an error matters. */
export type FindingSeverity = 'low' | 'medium' | 'high';

/** The result of one check. It never holds a token, key or secret. */
export interface Finding {
  /** The section of the check. */
  readonly section: DiagnosisSection;
  /** The name of the check within its section, for programs; several findings may have the same. */
  readonly check: string;
  /** How it ended. */
  readonly status: FindingStatus;
  /** What was seen. */
  readonly message: string;
  /** How much it matters; warnings and errors have one. */
  readonly severity?: FindingSeverity;
  /** Why it matters. */
  readonly why?: string;
  /** What to do. */
  readonly remedy?: string;
  /** The command of the Azure CLI that does it; names that are not known are placeholders. */
  readonly command?: string;
  /** Code to paste into the application. */
  readonly snippet?: string;
  /** The figures behind the message, for programs. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a finding may have beside its message. */
export type FindingDetails = Pick<Finding, 'why' | 'remedy' | 'command' | 'snippet' | 'data'>;

/** What a warning or an error has beside its message. */
export type Advice = FindingDetails & Required<Pick<Finding, 'severity' | 'remedy'>>;

/** Takes the findings of one section. */
export class SectionReport {
  readonly #section: DiagnosisSection;
  readonly #add: (finding: Finding) => void;

  constructor(section: DiagnosisSection, add: (finding: Finding) => void) {
    this.#section = section;
    this.#add = add;
  }

  ok(check: string, message: string, details?: FindingDetails): void {
    this.#report('ok', check, message, details);
  }

  info(check: string, message: string, details?: FindingDetails): void {
    this.#report('info', check, message, details);
  }

  warning(check: string, message: string, advice: Advice): void {
    this.#report('warning', check, message, advice);
  }

  error(check: string, message: string, advice: Advice): void {
    this.#report('error', check, message, advice);
  }

  skipped(check: string, message: string, details?: FindingDetails): void {
    this.#report('skipped', check, message, details);
  }

  #report(status: FindingStatus, check: string, message: string, details: FindingDetails = {}): void {
    // Messages quote servers and identity libraries, also in several lines.
    const line = withoutTokens(message).replaceAll(/\s*\n\s*/g, ' ');
    this.#add({ section: this.#section, check, status, message: line, ...details });
  }
}

/** The text of a server or library as the end of a message: with one full stop. */
export function sentence(quoted: string): string {
  return `${quoted.trim().replace(/[.,]+$/, '')}.`;
}
