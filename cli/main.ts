#!/usr/bin/env node
import { runCommandLine } from './command-line.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // The reader of the pipe, such as head, has seen enough.
  process.exit();
});

await runCommandLine(process.argv.slice(2));
