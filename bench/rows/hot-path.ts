import { Remote } from '../remote.js';
import { atMost, quantity, type Result } from '../result.js';
import type { Row } from '../row.js';
import { median, summaryOf } from '../statistics.js';
import type { HotPathOutcome } from '../workers/hot-path.js';
import type { Workload } from '../workers/load.js';

const WORKLOADS: readonly Workload[] = ['single', 'pipeline', 'autopipelining'];

export const hotPath: Row = {
  name: 'hot-path',
  title: 'What a command costs more than with plain ioredis',
  method:
    'GETs of ioredis 6.0.0, in a process without a server: a stream answers each command with OK. Two copies of ioredis are ' +
    'loaded, one of which this package has hooked; their clients take turns, 4,000 commands at a time, and the median of 60 ' +
    'differences in CPU time is that of a process. Each round is a new process, since the compiler of V8 decides anew in each. "Another copy" ' +
    'is hooked by nothing: what it costs more is the error of the method. Pipelines and autopipelining: 20 commands at a time.',
  async run({ rounds }, progress) {
    const results: Result[] = [];
    for (const workload of WORKLOADS) {
      progress(workload);
      const outcomes = { control: [] as HotPathOutcome[], ours: [] as HotPathOutcome[] };
      for (let round = 0; round < rounds; round += 1) {
        outcomes.control.push(await measure(false, workload));
        outcomes.ours.push(await measure(true, workload));
      }
      const plain = median(outcomes.control.map((each) => each.plain));
      const more = (of: readonly HotPathOutcome[]) => summaryOf(of.map((each) => each.more));
      results.push(
        quantity(workload, 'ioredis', plain, 'ns'),
        quantity(`${workload}, more`, 'another copy of ioredis', more(outcomes.control), 'ns'),
        quantity(`${workload}, more`, 'ioredis-azure', more(outcomes.ours), 'ns', atMost(5, ' ns')),
      );
    }
    return { results };
  },
};

async function measure(isManaged: boolean, workload: Workload): Promise<HotPathOutcome> {
  const worker = await Remote.start('workers/hot-path.ts');
  try {
    return await worker.call<HotPathOutcome>('measure', { isManaged, workload });
  } finally {
    await worker.stop();
  }
}
