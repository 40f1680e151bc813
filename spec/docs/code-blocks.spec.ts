import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import ts from 'typescript';
import { compile } from './support/compile.js';
import { codeBlocks, documents, ROOT, type CodeBlock } from './support/documents.js';

const blocks = documents().flatMap(codeBlocks);
const typescript = blocks.filter(({ language }) => language === 'ts');
const runnable = typescript.filter(({ flags }) => flags.includes('run'));

describe('the code blocks of the documents', () => {
  it('name their language', () => {
    const known = ['ts', 'js', 'py', 'sh', 'mermaid', 'bicep', 'hcl', 'yaml'];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(placeOf)).to.deep.equal([]);
  });

  it('type-check in strict mode', () => {
    const wrong = {
      path: 'wrong.md',
      line: 1,
      language: 'ts',
      flags: [],
      code: 'const port: string = host.length;',
    };
    const errors = compile([...typescript, wrong]);
    // The wrong one shows that errors are found.
    expect(errors.map((error) => error.replace(/: Type .*/s, ''))).to.deep.equal(['wrong.md:1']);
  });

  describe('that are marked `run`', () => {
    let results: Map<string, string | undefined>;

    before(async () => {
      results = await run(runnable);
    });

    for (const block of runnable) {
      it(`run against the emulator: ${placeOf(block)}`, () => {
        expect(results.has(placeOf(block)), 'has run').to.equal(true);
        expect(results.get(placeOf(block))).to.equal(undefined);
      });
    }
  });
});

describe('the shortest programs of the README', () => {
  const shortest = runnable.filter(
    ({ path, code }) => path === 'README.md' && code.trim().startsWith('import { Multiplexer }'),
  );

  it('run on a cluster, unchanged', async () => {
    const results = await run(shortest, { CLUSTER: 'true' });
    expect(shortest).to.have.length.at.least(2);
    expect([...results]).to.deep.equal(shortest.map((block) => [placeOf(block), undefined]));
  });
});

function placeOf({ path, line }: CodeBlock): string {
  return `${path}:${line}`;
}

/** Runs code blocks in a process of their own, and returns their errors, by their places. */
async function run(
  all: readonly CodeBlock[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Map<string, string | undefined>> {
  const results = new Map<string, string | undefined>();
  // Inside the repository, so that packages are found.
  await mkdir(join(ROOT, 'build'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'build', 'docs-'));
  try {
    const places = new Map(all.map((block, index) => [join(folder, `${index}.mjs`), block]));
    for (const [file, { code }] of places) await writeFile(file, javascript(code));
    const child = fork(pathOf('support/run-blocks.ts'), [...places.keys()], {
      execArgv: ['--import', 'tsx'],
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.on('message', (message) => {
      const { file, error } = message as { file: string; error?: string };
      const block = places.get(file);
      if (block) results.set(placeOf(block), error);
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [exitCode] = (await once(child, 'exit')) as [number];
    if (exitCode !== 0) throw new Error(stderr);
  } finally {
    await rm(folder, { recursive: true });
  }
  return results;
}

function javascript(code: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  const url = (path: string): string => `'${pathToFileURL(pathOf(path)).href}'`;
  return outputText
    .replaceAll("'ioredis-azure'", url('support/on-emulator.ts'))
    .replaceAll("'ioredis-azure/emulator'", url('../../emulator/index.ts'));
}

function pathOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
