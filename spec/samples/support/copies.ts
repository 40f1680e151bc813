import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The names of all samples. */
export const SAMPLES = readdirSync(new URL('../../../samples', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Where all samples are copied to: outside of this repository, whose node_modules they would find. */
export const COPIES = join(tmpdir(), 'ioredis-azure-samples');

/** The folder that a sample is copied to. */
export function copyOf(sample: string): string {
  return join(COPIES, sample);
}
