import type { Row } from '../row.js';
import { blocking } from './blocking.js';
import { commands } from './commands.js';
import { clients } from './clients.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { outage } from './outage.js';
import { clusterMessages, messages } from './messages.js';
import { throughput } from './throughput.js';

/** All parts of the benchmark, in the order of the results. */
export const ROWS: readonly Row[] = [
  throughput,
  latency,
  commands,
  messages,
  clusterMessages,
  blocking,
  clients,
  memory,
  outage,
];
