#!/usr/bin/env node
import { runCommandLine } from './command-line.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // The reader of the pipe, such as head, has ended.
  process.exit();
});

await runCommandLine(process.argv.slice(2));
// Identity libraries do not abort a request that is not answered: it would keep the process alive for minutes.
process.stdout.write('', () => process.exit());
