import { expect } from 'chai';
import { NO_REQUIRE_ESM, Project } from './support/project.js';

describe('the packed package, in a NestJS application', () => {
  const project = new Project('nestjs');

  it('compiles to CommonJS', async () => {
    expect(await project.bin('tsc', ['-p', '.', '--noEmit'])).to.equal('');
  });

  it('passes the stock tests: Jest with ts-jest, in CommonJS', async () => {
    // No open handle keeps Jest from ending, and it needs no option of Node.js.
    await project.bin('jest', [], { NODE_OPTIONS: NO_REQUIRE_ESM });
  });
});
