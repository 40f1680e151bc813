import type { Row } from '../row.js';
import { arrival } from './arrival.js';
import { blocking } from './blocking.js';
import { clients } from './clients.js';
import { commands } from './commands.js';
import { creation } from './creation.js';
import { hotPath } from './hot-path.js';
import { idle } from './idle.js';
import { installation } from './installation.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { clusterMessages, messages } from './messages.js';
import { nodes } from './nodes.js';
import { outage } from './outage.js';
import { firstReply, imports } from './start.js';
import { throughput } from './throughput.js';

/** All parts of the benchmark, in the order of the results. */
export const ROWS: readonly Row[] = [
  hotPath,
  throughput,
  latency,
  commands,
  messages,
  clusterMessages,
  blocking,
  clients,
  idle,
  nodes,
  memory,
  creation,
  imports,
  installation,
  firstReply,
  arrival,
  outage,
];
