import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from './support/pack.js';
import { NO_REQUIRE_ESM, Project } from './support/project.js';
import { NODES, type ProjectName } from './support/projects.js';

const { version: published, bin = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  bin?: Readonly<Record<string, string>>;
};

const INSTALLED: readonly (readonly [version: string, project: ProjectName])[] = [
  ['5.4.0', 'oldest'],
  ['^5', 'newest-5'],
  ['^6', 'newest'],
];

describe('the packed package', () => {
  for (const [version, name] of INSTALLED) {
    describe(`with ioredis ${version}`, () => {
      const project = new Project(name);

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

      it('is one copy for ES modules and CommonJS, and works beside a second copy, on the same clients', async () => {
        expect(await project.node(['copies.mjs'])).to.equal('works\n');
      });
    });
  }

  for (const major of NODES) {
    describe(`on Node.js ${major}`, () => {
      const project = new Project('newest');
      const node = project.nodeOf(major);

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
