import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { NO_REQUIRE_ESM, Project } from './support/project.js';

describe('the packed package, with the tools of an application', () => {
  const project = new Project('newest');

  for (const mode of ['nodenext', 'node16-commonjs', 'bundler', 'node10']) {
    it(`is typed for strict TypeScript: ${mode}`, async () => {
      await cp(join(project.folder, 'consumer.ts'), join(project.folder, mode, 'consumer.ts'));
      expect(await project.bin('tsc', ['-p', mode])).to.equal('');
    });
  }

  it('runs in Vitest', async () => {
    expect(await project.bin('vitest', ['run'])).to.match(/Tests\s+1 passed/);
  });

  describe('bundled with all that it needs into one program', () => {
    const BUNDLE = ['--bundle', '--platform=node', '--minify', '--log-level=error'];

    it('runs when esbuild made it an ES module', async () => {
      await project.bin('esbuild', [
        ...BUNDLE,
        'application.mjs',
        '--format=esm',
        '--outfile=out/esm/main.mjs',
        REQUIRE,
      ]);
      await runAlone('esm');
    });

    it('runs when esbuild made it CommonJS', async () => {
      await project.bin('esbuild', [...BUNDLE, 'entry.mjs', '--format=cjs', '--outfile=out/cjs/main.cjs']);
      await runAlone('cjs');
    });

    it('runs when esbuild bundled the CommonJS form', async () => {
      await project.bin('esbuild', [
        ...BUNDLE,
        'application.cjs',
        '--format=cjs',
        '--outfile=out/require/main.cjs',
      ]);
      await runAlone('require');
    });

    for (const form of ['mjs', 'cjs']) {
      it(`runs when webpack bundled it: application.${form}`, async () => {
        const build = `
          const webpack = require('webpack');
          webpack({
            mode: 'production', optimization: { minimize: false }, target: 'node20', entry: './application.${form}',
            output: { path: __dirname + '/out/webpack-${form}', filename: 'main.cjs' },
            // ioredis and debug ask for packages that need not be there.
            ignoreWarnings: [/Can't resolve/],
          }, (error, stats) => {
            if (error || stats.hasErrors()) throw error ?? new Error(stats.toString('errors-only'));
          });`;
        await writeFile(join(project.folder, `webpack-${form}.cjs`), build);
        await project.node([`webpack-${form}.cjs`]);
        await runAlone(`webpack-${form}`);
      });
    }

    /** An ES module of esbuild has no `require()`, which the CommonJS packages in it call. */
    const REQUIRE =
      "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

    before(async () => {
      // CommonJS has no top-level await.
      await writeFile(
        join(project.folder, 'entry.mjs'),
        `import * as ioredis from 'ioredis';
         import * as azure from 'ioredis-azure';
         import * as emulator from 'ioredis-azure/emulator';
         import { main } from './body.cjs';
         main(azure, emulator, ioredis);`,
      );
    });

    /** Runs a bundle in a folder where no package is to be found. */
    async function runAlone(name: string): Promise<void> {
      const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-bundle-'));
      try {
        await cp(join(project.folder, 'out', name), folder, { recursive: true });
        const main = (await readdir(folder)).find((file) => file.startsWith('main.')) ?? '';
        expect(await project.node([NO_REQUIRE_ESM, join(folder, main)])).to.equal('works\n');
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  });
});
