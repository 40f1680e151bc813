/** Packs the package once, and installs it in every project. It has been built before. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from './pack.js';
import { Project } from './project.js';
import { folderOf, PROJECTS, PROJECTS_FOLDER, type ProjectName } from './projects.js';

/** npm is busy with one processor, and waits for the registry. */
const INSTALLATIONS_AT_ONCE = 2;

// A dependency of bull-repl would download a program that it runs only to filter jobs.
const NPM_INSTALL = ['npm', 'install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];

const FIXTURES = new URL('../fixtures/', import.meta.url);

await rm(PROJECTS_FOLDER, { recursive: true, force: true });
await mkdir(PROJECTS_FOLDER);
const { path: tarball } = await pack(PROJECTS_FOLDER);

const waiting = Object.keys(PROJECTS) as ProjectName[];
await Promise.all(Array.from({ length: INSTALLATIONS_AT_ONCE }, installNext));

async function installNext(): Promise<void> {
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const { fixtures, dependencies, copy, install = NPM_INSTALL } = PROJECTS[name];
    const folder = folderOf(name);
    await mkdir(folder);
    for (const fixture of fixtures) await cp(new URL(fixture, FIXTURES), folder, { recursive: true });
    const manifest = await manifestIn(folder);
    manifest['dependencies'] = {
      ...(manifest['dependencies'] as object | undefined),
      ...dependencies,
      'ioredis-azure': `file:${tarball}`,
      ...(copy !== undefined && { [copy]: `file:${tarball}` }),
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
    const [command = '', ...args] = install;
    await new Project(name).run(command, args);
  }
}

async function manifestIn(folder: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  } catch {
    return { private: true };
  }
}
