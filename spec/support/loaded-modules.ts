import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// Hooks that print the URL of each module that is loaded. They run in their own thread, which has no console.
const HOOKS = `
  import { writeSync } from 'node:fs';
  export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context); }
`;

/** The URLs of the modules that a program loads; it imports as a file of spec/<folder>/ does. */
export async function modulesLoadedBy(program: string): Promise<string[]> {
  const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(HOOKS))});`;
  const flags = ['--import', 'tsx', '--import', dataUrl(register), '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags, {
    cwd: new URL('.', import.meta.url),
  });
  return stdout.split('\n');
}
