import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NO_REQUIRE_ESM, Project, ROOT } from './support/project.js';

const { version: published, bin = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  bin?: Readonly<Record<string, string>>;
};

describe('the packed package', () => {
  for (const version of ['5.4.0', '^5', '^6']) {
    describe(`with ioredis ${version}`, () => {
      let project: Project;
      before(async () => {
        project = await Project.create(['application'], { ioredis: version });
      });
      after(() => project.remove());

      it('works in an ES module, across an expiry', async () => {
        expect(await project.node(['application.mjs'])).to.equal('works\n');
      });

      it('works in CommonJS without require(esm), across an expiry', async () => {
        expect(await project.node([NO_REQUIRE_ESM, 'application.cjs'])).to.equal('works\n');
      });

      for (const command of Object.keys(bin)) {
        it(`brings the command ${command}`, async () => {
          expect(await project.bin(command, ['--version'])).to.include(published);
        });
      }

      it('works as ES module and as CommonJS in one process, on the same clients', async () => {
        expect(await project.node(['both.mjs'])).to.equal('works\n');
      });
    });
  }

  for (const major of ['20', '22', '24', '26']) {
    describe(`on Node.js ${major}`, () => {
      const range = major === '20' ? '^20.19.0' : `^${major}.0.0`;
      const binary = `node-${process.platform}-${process.arch}`;
      let project: Project;
      let node: string;
      before(async () => {
        project = await Project.create(['application'], { ioredis: '^6', [binary]: range });
        node = join(project.folder, 'node_modules', binary, 'bin', 'node');
      });
      after(() => project.remove());

      it('is that version', async () => {
        expect(await project.node(['--version'], {}, node)).to.match(new RegExp(`^v${major}\\.`));
      });

      it('works in an ES module', async () => {
        expect(await project.node(['application.mjs'], {}, node)).to.equal('works\n');
      });

      it('works in CommonJS', async () => {
        expect(await project.node([NO_REQUIRE_ESM, 'application.cjs'], {}, node)).to.equal('works\n');
      });
    });
  }
});
