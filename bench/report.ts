import { writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import { drawn } from './plots.js';
import type { Result } from './result.js';
import type { Row, RowOutcome, Scale } from './row.js';

const FOLDER = new URL('./', import.meta.url);

/** Prints the results of a row. */
export function printTable({ title }: Row, results: readonly Result[]): void {
  console.log(`\n${title}`);
  console.table(
    results.map(({ what, of, value, spread = '', goal = '', isMet }) => ({
      what,
      of,
      value,
      spread,
      goal,
      met: verdict(isMet),
    })),
  );
}

function verdict(isMet: boolean | undefined): string {
  if (isMet === undefined) return '';
  return isMet ? 'met' : 'missed';
}

/** Writes the results of a complete run, and its plots. */
export async function writeReport(
  outcomes: readonly { row: Row; outcome: RowOutcome }[],
  scale: Scale,
  duration: number,
): Promise<void> {
  const sections: string[] = [];
  for (const { row, outcome } of outcomes) {
    for (const { file, spec } of outcome.plots ?? [])
      await writeFile(new URL(file, FOLDER), await drawn(spec));
    sections.push(sectionOf(row, outcome));
  }
  const notes = readFileSync(new URL('NOTES.md', FOLDER), 'utf8').trim();
  const text = [headOf(outcomes, scale, duration), notes, ...sections].join('\n\n');
  await writeFile(new URL('RESULTS.md', FOLDER), `${text}\n`);
}

function headOf(outcomes: readonly { outcome: RowOutcome }[], { rounds }: Scale, duration: number): string {
  const goals = outcomes.flatMap(({ outcome }) => outcome.results).filter(({ isMet }) => isMet !== undefined);
  const met = goals.filter(({ isMet }) => isMet === true).length;
  const [cpu] = cpus();
  return `# Results of the benchmark

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}, in ${Math.round(duration / 60_000)} minutes. **${met} of ${goals.length} goals were met.**

|           |                                                                          |
| --------- | ------------------------------------------------------------------------ |
| machine   | ${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB |
| load      | ${loadavg()[2]?.toFixed(1) ?? 'unknown'} processes on average over the last 15 minutes of the run |
| system    | ${platform()} ${release()}, ${arch()} |
| Node.js   | ${process.version} |
| libraries | ${['ioredis', 'ioredis5', 'redis', '@redis/entraid'].map((name) => `${name} ${versionOf(name)}`).join(', ')} |
| server    | ${redisVersion()} |

Each ratio is the median of ${rounds} rounds; half of the rounds lie within the spread. What is compared is measured in turn in
each round, so that the load of the machine affects all alike. "Plain ioredis" logs in with an access key, which does not expire.`;
}

export function sectionOf({ title, method }: Row, { results, plots = [] }: RowOutcome): string {
  const lines = results.map(
    ({ what, of, value, spread = '', goal = '', isMet }) =>
      `| ${what} | ${of} | ${value} | ${spread} | ${goal} | ${isMet === false ? '**missed**' : verdict(isMet)} |`,
  );
  const images = plots.map(({ file, title: caption }) => `\n\n![${caption}](${file})`);
  return `## ${title}

${method}

| what | of | value | spread | goal | |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}${images.join('')}`;
}

function versionOf(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

function redisVersion(): string {
  const output = execFileSync(process.env['REDIS_SERVER'] ?? 'redis-server', ['--version'], {
    encoding: 'utf8',
  });
  return `redis-server ${/v=(\S+)/.exec(output)?.[1] ?? ''}`;
}
