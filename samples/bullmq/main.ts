/** Runs background jobs with BullMQ. `npm run sample:bullmq -- --help` shows the options. */
import type { Authenticator } from 'ioredis-azure';
import { parseFlags, runProgram } from '../shared/command-line.js';
import { DURATION_FLAGS, DURATION_USAGE, durationOf } from '../shared/duration.js';
import { reportEvents } from '../shared/report-events.js';
import { reportStatistics } from '../shared/report-statistics.js';
import { stopSignal, withTimeLimit } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { connect, connectCluster } from './connection.js';
import { run, type Progress } from './run.js';
import { formatTable, LiveText } from './table.js';

const USAGE = `Usage: npm run sample:bullmq -- [--cluster] ${DURATION_USAGE} ${TARGET_USAGE}`;

await runProgram(USAGE, async () => {
  const { cluster, ...flags } = parseFlags({
    ...TARGET_FLAGS,
    cluster: { type: 'boolean', default: false },
    ...DURATION_FLAGS,
  });
  const duration = durationOf(flags);
  const stop = stopSignal();

  await using target = await openTarget(flags, cluster ? { cluster: { masters: 3 } } : {});
  await using connection = await (cluster ? connectCluster : connect)(target.options);
  const { authenticator } = connection;
  const screen = new LiveText(process.stdout);
  console.log(`Jobs on ${target.description}. Ctrl+C ends it, once the jobs are complete.`);
  reportEvents(authenticator, (line) => {
    screen.print(line);
  });

  let table = '';
  const end = withTimeLimit(stop, duration);
  const result = await run(connection, end, (progress) => {
    table = formatProgress(progress);
    if (process.stdout.isTTY) screen.update(`\n${table}\n${formatToken(authenticator)}\n`);
  });
  screen.update(`\n${table}\n`);
  screen.end();

  const { missing, repeated, failed, errors } = result;
  console.log(`Lost ${missing}, run twice ${repeated}, failed ${failed}, errors ${errors.length}`);
  for (const error of errors) console.log(error);
  reportStatistics(target);
  if (missing + repeated + failed + errors.length > 0) process.exitCode = 1;
});

function formatProgress(progress: readonly Progress[]): string {
  return formatTable([
    ['', 'added', 'attempts', 'completed'],
    ...progress.map(({ kind, added, attempts, completed }) => [kind, added, attempts, completed]),
  ]);
}

function formatToken({ expiresOn, connections }: Authenticator): string {
  const seconds = Math.max(0, expiresOn.getTime() - Date.now()) / 1_000;
  return `Token valid for ${seconds.toFixed(1)} s, connections ${connections.length}`;
}
