import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the names of the folders of emulators begin with. */
export const FOLDER_PREFIX = 'azure-redis-';

/** The copy of the file of `--env`, by which the guard recognises it. */
export const ENVIRONMENT_COPY = 'environment';

/**
 * Removes the folder when its input closes, which the system does however the process of the emulator ends; and the file of
 * `--env`, unless another program has changed it. Processes of the emulator may still be writing: it tries several times.
 */
const GUARD = `
folder=$1 file=$2
read -r _
if [ -n "$file" ] && cmp -s "$folder/${ENVIRONMENT_COPY}" "$file"; then rm -f "$file"; fi
for _ in 1 2 3 4 5; do rm -rf "$folder" && exit; sleep 1; done
`;

/** A folder for the files of one emulator, which only this user can open. */
export class Folder {
  readonly path: string;
  readonly #guard: ChildProcess;

  private constructor(path: string, environmentFile: string | undefined) {
    this.path = path;
    // In its own process group: Ctrl+C must not end it before the emulator.
    this.#guard = spawn('/bin/sh', ['-c', GUARD, 'sh', path, environmentFile ?? ''], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  /** @param environmentFile A file outside of the folder that is removed with it. */
  static async create(environmentFile: string | undefined): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), FOLDER_PREFIX)), environmentFile);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file and returns its path. */
  async write(name: string, text: string): Promise<string> {
    await writeFile(this.file(name), text, { mode: 0o600 });
    return this.file(name);
  }

  async remove(): Promise<void> {
    const ended = once(this.#guard, 'close');
    this.#guard.stdin?.end();
    await ended;
  }
}
