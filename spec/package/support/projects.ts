import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The major versions of Node.js that the package is used with, each as a package of the project `newest`. */
export const NODES = ['20', '22', '24', '26'] as const;

/** The folder of a project: outside of this repository, whose node_modules it would find. */
export function folderOf(project: ProjectName): string {
  return join(PROJECTS_FOLDER, project);
}

export const PROJECTS_FOLDER = join(tmpdir(), 'ioredis-azure-package');

/** What is installed in an application, beside the packed package. */
export interface ProjectDefinition {
  readonly fixtures: readonly string[];
  /** As in package.json, beside those that a fixture names. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** A second copy of the packed package, under this name. */
  readonly copy?: string;
  readonly install?: readonly string[];
}

export type ProjectName = 'oldest' | 'newest-5' | 'newest' | 'nestjs' | 'pnpm';

export const PROJECTS: Readonly<Record<ProjectName, ProjectDefinition>> = {
  // With ioredis alone.
  oldest: { fixtures: ['application'], dependencies: { ioredis: '5.4.0' }, copy: 'second-copy' },
  'newest-5': { fixtures: ['application'], dependencies: { ioredis: '^5' }, copy: 'second-copy' },

  // With the tools and programs that applications are made with.
  newest: {
    fixtures: ['application', 'types', 'vitest'],
    dependencies: {
      ioredis: '^6',
      'ioredis-5.3': 'npm:ioredis@5.3.2',
      'redis-commander': '^0.9.0',
      'bull-repl': '^1.10.2',
      ...Object.fromEntries(
        NODES.map((major) => [
          `node-${major}`,
          `npm:node-${process.platform}-${process.arch}@^${major === '20' ? '20.19.0' : `${major}.0.0`}`,
        ]),
      ),
      '@types/node': '^20.19',
      esbuild: '*',
      typescript: '~6.0',
      vite: '^7',
      vitest: '^4',
      webpack: '^5',
    },
    copy: 'second-copy',
  },

  nestjs: { fixtures: ['nestjs'], dependencies: {} },

  // Nothing is hoisted: a package finds what it declares, and no more.
  pnpm: {
    fixtures: ['identities'],
    dependencies: { ioredis: '^6' },
    install: [
      ...['npx', '--yes', 'pnpm@^10', 'install', '--prefer-offline', '--ignore-scripts'],
      ...['--config.node-linker=isolated', '--config.hoist=false', '--config.shamefully-hoist=false'],
    ],
  },
};
