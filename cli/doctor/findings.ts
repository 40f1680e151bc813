import type { DiagnosisSection, Finding, FindingStatus } from 'ioredis-azure/doctor';
import type { Output, Style } from '../output.js';

const TITLES: Readonly<Record<DiagnosisSection, string>> = {
  network: 'Name and network',
  tls: 'TLS',
  identity: 'Identity',
  login: 'Login',
  permissions: 'Permissions',
  kind: 'Kind of cache',
  posture: 'Security posture',
  liveness: 'Liveness',
};

const MARKS: Readonly<Record<FindingStatus, readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'green'],
  info: ['·', 'cyan'],
  warning: ['!', 'yellow'],
  error: ['✗', 'red'],
  skipped: ['-', 'gray'],
};

/** How many findings there are of each status. */
export type Summary = Readonly<Record<FindingStatus, number>>;

/** Counts the findings. */
export function summaryOf(findings: readonly Finding[]): Summary {
  const count = (status: FindingStatus): number =>
    findings.filter((finding) => finding.status === status).length;
  return {
    ok: count('ok'),
    info: count('info'),
    warning: count('warning'),
    error: count('error'),
    skipped: count('skipped'),
  };
}

/** Prints findings as text, each on a line, with what to do below. */
export class FindingPrinter {
  readonly #output: Output;
  #section: DiagnosisSection | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  print(finding: Finding): void {
    const { section, status, severity, message, why, remedy, command, snippet } = finding;
    if (section !== this.#section) this.#startSection(section);
    const [mark, style] = MARKS[status];
    const rank = severity === undefined ? '' : this.#output.style(style, ` (${severity})`);
    this.#output.line(`  ${this.#output.style(style, mark)} ${message}${rank}`);
    if (why !== undefined) this.#output.line(`      ${this.#output.style('gray', why)}`);
    if (remedy !== undefined) this.#output.line(`      → ${remedy}`);
    if (command !== undefined) this.#output.line(`      $ ${command}`);
    if (snippet !== undefined) this.#output.line(`      ${this.#output.style('cyan', snippet)}`);
  }

  printSummary({ ok, info, warning, error, skipped }: Summary): void {
    const counts = [
      `${ok + info + warning + error} checked`,
      plural(error, 'error'),
      plural(warning, 'warning'),
      ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ];
    this.#output.line();
    this.#output.line(counts.join(', '));
  }

  #startSection(section: DiagnosisSection): void {
    if (this.#section !== undefined) this.#output.line();
    this.#section = section;
    this.#output.line(this.#output.style('bold', TITLES[section]));
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
