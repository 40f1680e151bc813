import { expect } from 'chai';
import {
  diagnose,
  type DiagnoseOptions,
  type DiagnosisSection,
  type Finding,
} from '../../../doctor/index.js';

/** The findings of one diagnosis. */
export class Findings {
  readonly all: readonly Finding[];

  constructor(all: readonly Finding[]) {
    this.all = all;
  }

  /** The only finding of this check. */
  one(section: DiagnosisSection, check: string): Finding {
    const [finding, another] = this.of(section, check);
    if (finding && !another) return finding;
    throw new Error(`expected one finding of ${section} ${check} in:\n${this.describe()}`);
  }

  of(section: DiagnosisSection, check?: string): Finding[] {
    return this.all.filter(
      (finding) => finding.section === section && (check === undefined || finding.check === check),
    );
  }

  /** The checks that found an error. */
  get errors(): string[] {
    return this.all
      .filter(({ status }) => status === 'error')
      .map(({ section, check }) => `${section} ${check}`);
  }

  describe(): string {
    return this.all
      .map(({ section, check, status, message }) => `${section} ${check} ${status}: ${message}`)
      .join('\n');
  }
}

/** Diagnoses, and sees that no token, none of these secrets and no control character is in what was found. */
export async function findingsOf(
  options: DiagnoseOptions,
  secrets: readonly string[] = [],
): Promise<Findings> {
  const streamed: Finding[] = [];
  const all = await diagnose({ timeout: 50_000, ...options, onFinding: (finding) => streamed.push(finding) });
  expect(streamed).to.deep.equal(all);
  const text = JSON.stringify(all);
  for (const secret of ['eyJ', ...secrets]) expect(text).not.to.include(secret);
  // The escapes of JSON, and what it does not escape.
  expect(text).not.to.match(/[\u007f-\u009f]|\\u00[01]|\\[bfnrt]/);
  return new Findings(all);
}

/**
 * Keeps the clock check of this file on this machine: credentials of the emulator have no authority host, and would
 * compare the clock with that of Azure's public cloud.
 */
export function withoutAuthority(): void {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['AZURE_AUTHORITY_HOST'];
    process.env['AZURE_AUTHORITY_HOST'] = 'https://127.0.0.1:1';
  });
  afterEach(() => {
    if (before === undefined) delete process.env['AZURE_AUTHORITY_HOST'];
    else process.env['AZURE_AUTHORITY_HOST'] = before;
  });
}

/** Where nothing listens: an identity can be diagnosed without a cache. */
export const NOWHERE = { host: '127.0.0.1', port: 1, tls: false } as const;
