import { stripVTControlCharacters } from 'node:util';
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
    const rank = severity === undefined ? '' : ` (${severity})`;
    this.#paragraph(`  ${this.#output.style(style, mark)} `, message + rank);
    if (why !== undefined) this.#paragraph('      ', why, 'gray');
    if (remedy !== undefined) this.#paragraph('      → ', remedy);
    // These are copied: they have no line breaks.
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

  /** Breaks a text between words, and indents all lines alike. */
  #paragraph(head: string, text: string, style?: Style): void {
    const indent = ' '.repeat(stripVTControlCharacters(head).length);
    const lines = wrap(text, this.#output.width - indent.length);
    for (const [index, line] of lines.entries()) {
      this.#output.line((index === 0 ? head : indent) + (style ? this.#output.style(style, line) : line));
    }
  }

  #startSection(section: DiagnosisSection): void {
    if (this.#section !== undefined) this.#output.line();
    this.#section = section;
    this.#output.line(this.#output.style('bold', TITLES[section]));
  }
}

/** A word that is longer than a line stays in one piece. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
