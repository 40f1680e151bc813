import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the files of a spec, which removes it afterwards. */
export async function createCaseFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'identity-cases-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
