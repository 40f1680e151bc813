// Prints the CPU time that it takes to load packages in a new process, in ms, as ES modules or as CommonJS.
import { createRequire } from 'node:module';

const [format, ...names] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const before = process.cpuUsage();
for (const name of names) {
  if (format === 'CommonJS') require(name);
  else await import(name);
}
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1_000);
