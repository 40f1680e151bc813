/**
 * Measures the costs and guarantees of this package, side by side with its alternatives.
 *
 *   npm run bench -- --only throughput --rounds 10
 */
import { printTable, writeReport } from './report.js';
import type { Result } from './result.js';
import { ROWS } from './rows/index.js';
import type { Row, RowOutcome } from './row.js';
import { settingsOf, usageOf, type Settings } from './settings.js';

const names = ROWS.map(({ name }) => name);

let settings: Settings | undefined;
try {
  settings = settingsOf(process.argv.slice(2), names);
  if (!settings) console.log(usageOf(names));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usageOf(names)}`);
  process.exitCode = 2;
}
if (settings) await run(settings);

async function run({ scale, rows }: Settings): Promise<void> {
  const startedAt = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - startedAt) / 1_000)} s`.padStart(6);
  const outcomes: { row: Row; outcome: RowOutcome }[] = [];
  for (const row of ROWS) {
    if (!rows.includes(row.name) || (scale.isShort && !row.isCounted)) continue;
    const outcome = await row.run(scale, (text) => {
      console.log(`${seconds()}  ${row.name}: ${text}`);
    });
    printTable(row, outcome.results);
    outcomes.push({ row, outcome });
  }
  // A report is of one complete run: what belongs together was measured together.
  if (outcomes.length === ROWS.length) await writeReport(outcomes, scale, performance.now() - startedAt);
  reportMisses(outcomes.flatMap(({ outcome }) => outcome.results));
}

/** Counts that miss their goal are failures; times depend on the machine. */
function reportMisses(results: readonly Result[]): void {
  const missed = results.filter(({ isMet }) => isMet === false);
  for (const { what, of, value, goal = '' } of missed)
    console.log(`missed: ${what}, ${of}: ${value}, goal ${goal}`);
  console.log(missed.length === 0 ? 'All goals were met.' : `${missed.length} goals were missed.`);
  if (missed.some(({ isCount }) => isCount === true)) process.exitCode = 1;
}
