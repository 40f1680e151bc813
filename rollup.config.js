import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { dts } from 'rollup-plugin-dts';

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

/** An ES module only, which `require()`, and Jest in its CommonJS mode, cannot load: built into the CommonJS form. */
const ESM_ONLY = ['jose'];

const entries = (extension) => ({
  index: `build/lib/index${extension}`,
  doctor: `build/doctor/index${extension}`,
  emulator: `build/emulator/index${extension}`,
});

/** What every application has that installs this package, itself included; the command is to run with nothing more. */
const INSTALLED = [...Object.keys(manifest.dependencies), 'ioredis', manifest.name];

/** The folders of the packages that are built in. */
const builtIn = new Set();

const isExternal = (names) => (id) =>
  id.startsWith('node:') || names.some((name) => id === name || id.startsWith(`${name}/`));

/** `tsc` has compiled the sources to `build/`; this bundles them into the files that are published. */
export default [
  {
    input: entries('.js'),
    external: isExternal(dependencies),
    plugins: [nodeResolve()],
    output: { dir: 'dist', format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
  },
  {
    input: entries('.js'),
    external: isExternal(dependencies.filter((name) => !ESM_ONLY.includes(name))),
    plugins: [nodeResolve(), licences()],
    output: {
      dir: 'dist',
      format: 'cjs',
      exports: 'named',
      interop: 'auto',
      // Jest's CommonJS mode has no `import()`: a `require()` inside a promise is as lazy.
      dynamicImportInCjs: false,
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name].cjs',
      manualChunks: (id) => (id.includes('/node_modules/jose/') ? 'jose' : undefined),
    },
  },
  types('.d.ts'),
  types('.d.cts'),
  {
    input: 'build/cli/main.js',
    external: isExternal(INSTALLED),
    plugins: [nodeResolve(), commonjs(), licences(), executable()],
    output: { dir: 'dist', format: 'es', entryFileNames: 'cli.js', chunkFileNames: 'cli/[name].js' },
  },
];

function types(extension) {
  return {
    input: entries('.d.ts'),
    external: isExternal(dependencies),
    plugins: [dts()],
    output: {
      dir: 'dist',
      format: 'es',
      entryFileNames: `[name]${extension}`,
      chunkFileNames: `chunks/[name]${extension}`,
    },
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
        source: `The CommonJS form and the command contain code of these packages.\n\n${texts.join('\n---\n\n')}`,
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
