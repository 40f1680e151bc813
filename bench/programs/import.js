// Prints how long it takes to load a package in a new process, in ms, as an ES module or as CommonJS.
import { createRequire } from 'node:module';

const [name, format] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const startedAt = performance.now();
if (format === 'CommonJS') require(name);
else await import(name);
console.log(performance.now() - startedAt);
