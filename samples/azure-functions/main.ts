/** Invokes the functions as the Functions host does. `npm run sample:azure-functions -- --help` shows the options. */
import { setTimeout as sleep } from 'node:timers/promises';
import functions from '@azure/functions';
import { parseFlags, runProgram } from '../shared/command-line.js';
import { DURATION_FLAGS, DURATION_USAGE, durationOf } from '../shared/duration.js';
import { reportStatistics } from '../shared/report-statistics.js';
import { stopSignal, withTimeLimit } from '../shared/stop-signal.js';
import { openTarget, TARGET_FLAGS, TARGET_USAGE } from '../shared/target.js';
import { SharedClient } from './src/shared-client.js';
import { createVisits } from './src/visits.js';

// Node.js does not detect the named exports of this CommonJS bundle.
const { HttpRequest, InvocationContext } = functions;

const USAGE = `Usage: npm run sample:azure-functions -- ${DURATION_USAGE} ${TARGET_USAGE}`;
const INTERVAL = 200;

await runProgram(USAGE, async () => {
  const flags = parseFlags({ ...TARGET_FLAGS, ...DURATION_FLAGS });
  const duration = durationOf(flags);
  const stop = stopSignal();

  await using target = await openTarget(flags);
  console.log(`Each + is an invocation, on ${target.description}. Ctrl+C ends it.`);

  const client = new SharedClient(() => target.options);
  const visits = createVisits(client);
  const end = withTimeLimit(stop, duration);
  let invocations = 0;
  let failures = 0;
  try {
    while (!end.aborted) {
      invocations += 1;
      const { status = 200 } = await visits(requestOf('home'), contextOf(invocations));
      if (status !== 200) failures += 1;
      process.stdout.write(status === 200 ? '+' : '-');
      await sleep(INTERVAL, undefined, { signal: end }).catch(() => undefined);
    }
  } finally {
    await client.close();
  }

  console.log(`\nInvocations ${invocations}, failures ${failures}`);
  reportStatistics(target);
  if (failures > 0) process.exitCode = 1;
});

function requestOf(page: string) {
  return new HttpRequest({
    method: 'POST',
    url: `http://localhost:7071/api/visits/${page}`,
    params: { page },
  });
}

function contextOf(invocation: number) {
  return new InvocationContext({ functionName: 'visits', invocationId: String(invocation) });
}
