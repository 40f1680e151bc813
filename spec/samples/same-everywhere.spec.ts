import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { SAMPLES } from './support/copies.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function read(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(read(`${folder}package.json`)) as Manifest;
}

describe('the samples, as packages of their own', () => {
  const files = SAMPLES.flatMap((sample) =>
    readdirSync(`${ROOT}samples/${sample}`, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.includes('node_modules'))
      .map((path) => `samples/${sample}/${path}`),
  );

  for (const name of ['start.ts', 'serve.ts', 'client-address.ts']) {
    it(`have the same ${name}`, () => {
      const copies = files.filter((path) => basename(path) === name);
      expect(copies).to.have.length.above(1);
      const [first = ''] = copies;
      expect(copies.filter((path) => read(path) !== read(first))).to.deep.equal([]);
    });
  }

  for (const sample of SAMPLES) {
    it(`have the versions of this repository: ${sample}`, () => {
      const { version, engines, dependencies, devDependencies } = manifestIn('');
      const manifest = manifestIn(`samples/${sample}/`);
      const known = { ...devDependencies, ...dependencies, 'ioredis-azure': `^${version}` };
      const used = { ...manifest.dependencies, ...manifest.devDependencies };
      expect(known).to.include(used);
      expect(manifest.engines).to.deep.equal(engines);
    });
  }
});
