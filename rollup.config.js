import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { transform } from 'esbuild';
import { dts } from 'rollup-plugin-dts';
import ts from 'typescript';

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** What every application has that installs this package. */
const INSTALLED = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];

/** Entry points for `import` and `require()`, in one form: two copies in a process would each have a state of their own. */
const ENTRIES = ['index', 'doctor', 'emulator'];

/** `ioredis-azure/register`, in one form for `import` and `require`: its parts load each other when they are needed. */
const REGISTER = Object.fromEntries(
  ['index', 'clients', 'login'].map((name) => [`register/${name}`, `build/register/${name}.js`]),
);

/** The folders of the packages that are built in. */
const builtIn = new Set();

/** The names that each entry point exports at run time. */
const valuesOf = new Map();

/** `tsc` has compiled the sources to `build/`; this bundles them into the files that are published. */
export default [
  {
    input: { ...entries(ENTRIES, '.js'), ...REGISTER },
    external: isExternal(INSTALLED),
    plugins: [nodeResolve(), commonjs(), filename(), licences(), compact(), recordValues()],
    output: {
      dir: 'dist',
      format: 'cjs',
      exports: 'named',
      interop: 'auto',
      // Jest's CommonJS mode has no `import()`: a `require()` inside a promise is as lazy.
      dynamicImportInCjs: false,
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name].cjs',
    },
  },
  {
    input: { ...entries(ENTRIES, '.d.ts'), 'register/index': 'build/register/index.d.ts' },
    external: isExternal(INSTALLED),
    plugins: [dts(), exportTypes()],
    // `ioredis-azure/register` exports nothing.
    onwarn: (warning, warn) => warning.code === 'EMPTY_BUNDLE' || warn(warning),
    output: {
      dir: 'dist',
      format: 'es',
      entryFileNames: '[name].d.cts',
      chunkFileNames: 'chunks/[name].d.cts',
    },
  },
  {
    input: 'build/cli/main.js',
    external: isExternal([...INSTALLED, manifest.name]),
    plugins: [nodeResolve(), commonjs(), licences(), compact(), executable()],
    output: {
      dir: 'dist',
      format: 'es',
      entryFileNames: 'cli.js',
      chunkFileNames: 'cli/[name].js',
      manualChunks: (id) => (id.includes('/node_modules/commander/') ? 'commander' : undefined),
    },
  },
];

function entries(names, extension) {
  const folderOf = (name) => (name === 'index' ? 'lib' : name);
  return Object.fromEntries(names.map((name) => [name, `build/${folderOf(name)}/index${extension}`]));
}

function isExternal(names) {
  return (id) => id.startsWith('node:') || names.some((name) => id === name || id.startsWith(`${name}/`));
}

/** Drops the comments, which the declarations keep, and minifies chunks of packages that are built in. */
function compact() {
  return {
    name: 'compact',
    async renderChunk(code, { moduleIds }) {
      const isPackage =
        moduleIds.length > 0 && moduleIds.every((id) => id.startsWith('\0') || id.includes('/node_modules/'));
      if (isPackage)
        return (await transform(code, { minify: true, legalComments: 'none', target: 'node20' })).code;
      // esbuild would keep the comments of class members.
      const { ES2022: target } = ts.ScriptTarget;
      const compilerOptions = { removeComments: true, target, module: ts.ModuleKind.ESNext };
      return ts.transpileModule(code, { compilerOptions }).outputText;
    },
  };
}

function recordValues() {
  return {
    name: 'record-values',
    generateBundle(_options, bundle) {
      for (const { isEntry, name, exports } of Object.values(bundle)) {
        if (isEntry) valuesOf.set(name, new Set(exports));
      }
    },
  };
}

/** Declares as types the classes that are exported as types: the plugin for declarations takes each class for a value. */
function exportTypes() {
  return {
    name: 'export-types',
    renderChunk(code, { name }) {
      const values = valuesOf.get(name);
      if (!values) return null;
      return code.replace(/^export \{ (.+) \};$/m, (_line, names) => {
        const [kept, types] = [true, false].map((isValue) =>
          names
            .split(', ')
            .filter((each) => values.has(each.split(' as ').at(-1)) === isValue)
            .join(', '),
        );
        return `export { ${kept} };\nexport type { ${types} };`;
      });
    },
  };
}

/** `import.meta.filename` in CommonJS. */
function filename() {
  return {
    name: 'filename',
    resolveImportMeta: (property) => (property === 'filename' ? '__filename' : undefined),
  };
}

/** Makes the command executable. */
function executable() {
  return {
    name: 'executable',
    writeBundle({ dir }) {
      chmodSync(join(dir, 'cli.js'), 0o755);
    },
  };
}

/** Adds the licence texts of the packages that are built in, those of earlier builds included. */
function licences() {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => Object.keys(chunk.modules ?? {}));
      for (const id of modules) {
        // Plugins mark modules of their own with a NUL, and may add a query.
        const [path] = id.replace('\0', '').split('?');
        if (path.includes('node_modules')) builtIn.add(packageFolder(path));
      }
      const texts = [...builtIn].sort().map((folder) => {
        const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        const file = readdirSync(folder).find((candidate) => /^licen[cs]e/i.test(candidate));
        if (file === undefined) this.error(`${name} is built in, but its licence was not found in ${folder}`);
        return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      });
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-LICENSES.txt',
        source: `The files of this folder contain code of these packages.\n\n${texts.join('\n---\n\n')}`,
      });
    },
  };
}

function packageFolder(id) {
  let folder = dirname(id);
  while (
    !existsSync(join(folder, 'package.json')) ||
    !JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name ||
    basename(folder) === 'node_modules'
  ) {
    folder = dirname(folder);
  }
  return folder;
}
