import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The processes whose command line contains a text. */
export async function processesOf(text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((line) => line.includes(text));
}
