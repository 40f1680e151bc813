import { withoutTokens } from '../lib/redaction.js';
import type { Context } from './options.js';

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

/** The result of one check. It never holds a token, key or secret, nor a control character. */
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

/** What a check may come to: its status with the message, and what a finding has beside these. */
export type Verdict =
  | (Details & ({ readonly ok: string } | { readonly info: string } | { readonly skipped: string }))
  | (Advice & ({ readonly warning: string } | { readonly error: string }));

interface Details {
  /** Whether the verdict applies. Default: true. */
  readonly when?: boolean;
  readonly why?: string;
  readonly remedy?: string;
  readonly command?: string | undefined;
  readonly snippet?: string;
  readonly data?: object;
}

/** What may be said of a finding that asks for a change. */
export interface Advice extends Details {
  /** Default: medium for a warning, high for an error. */
  readonly severity?: FindingSeverity;
  readonly remedy: string;
}

/** A section of a diagnosis that is under way. */
export interface Section extends Context {
  /** Reports a verdict, or the first of several that applies; there may be none. */
  readonly report: (check: string, verdicts: Verdict | readonly Verdict[]) => void;
}

/** A section whose findings are passed to `add`. */
export function sectionOf(
  section: DiagnosisSection,
  context: Context,
  add: (finding: Finding) => void,
): Section {
  return {
    ...context,
    report(check, verdicts) {
      const verdict = [verdicts].flat().find(({ when = true }) => when);
      if (verdict) add({ section, check, ...printable(stated(verdict)) });
    },
  };
}

const STATUSES: readonly FindingStatus[] = ['ok', 'info', 'warning', 'error', 'skipped'];

const SEVERITIES: Partial<Record<FindingStatus, FindingSeverity>> = { warning: 'medium', error: 'high' };

function stated(verdict: Verdict): Omit<Finding, 'section' | 'check'> {
  const status = STATUSES.find((each) => each in verdict) ?? 'skipped';
  const parts: Partial<Record<FindingStatus, string>> & Partial<Advice> = verdict;
  const { [status]: message = '', severity = SEVERITIES[status], ...details } = parts;
  const entries = Object.entries({ status, message, severity, ...details, when: undefined });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as unknown as Finding;
}

/** Texts quote servers, certificates and identity libraries: what they hold must not reach a terminal as it is. */
function printable<Value>(value: Value): Value {
  if (typeof value === 'string') return clean(value) as Value;
  if (Array.isArray(value)) return value.map(printable) as Value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, printable(field)])) as Value;
}

function clean(text: string): string {
  return withoutTokens(text)
    .replaceAll(/\s*[\r\n]\s*/g, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '\u{fffd}');
}

/** The text of a server or library as the end of a message: with one full stop. */
export function sentence(quoted: string): string {
  return `${quoted.trim().replace(/[.,]+$/, '')}.`;
}
