import { defineConfig, globalIgnores } from 'eslint/config';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** What any part of the library may import. */
const COMMON = ['timing', 'errors.ts', 'validation.ts', 'redaction.ts', 'diagnostics.ts', 'version.ts'];

/** The parts of the library, and what else of it each may import: dependencies point downwards. */
const LAYERS = {
  multiplexer: ['configure', 'authenticator.ts', 'connection', 'ioredis', 'credentials'],
  configure: ['authenticator.ts', 'identities', 'ioredis', 'credentials'],
  'authenticator.ts': ['heartbeat', 'connection', 'ioredis', 'credentials'],
  heartbeat: ['connection', 'ioredis', 'credentials'],
  connection: ['ioredis', 'credentials'],
  ioredis: ['credentials'],
  identities: [],
  credentials: ['identities'],
};

/** What ioredis keeps to itself; its types do not show most of it. */
const INTERNALS = [
  'commandQueue',
  'manuallyClosing',
  'offlineQueue',
  'retryAttempts',
  'reconnectTimeout',
  'connector',
  'connectionEpoch',
  'flushQueue',
  'silentEmit',
  'setStatus',
  'connectionPool',
  'prevCommandQueue',
  'condition',
  'handleReconnection',
  '_readyCheck',
  'toWritable',
];

const zones = [
  ...Object.entries(LAYERS).map(([layer, below]) => ({
    target: `./lib/${layer}`,
    from: './lib',
    except: [layer, ...below, ...COMMON].map((path) => `./${path}`),
    message: `lib/${layer} may import from ${below.join(', ') || 'no other part'}, and what all parts share.`,
  })),
  ...COMMON.map((path) => ({
    target: `./lib/${path}`,
    from: './lib',
    except: COMMON.map((other) => `./${other}`),
    message: 'It is what all parts share: it may import nothing of them.',
  })),
  {
    target: './lib',
    from: ['./doctor', './emulator', './register', './cli'],
    message: 'The library does not know what is built on it.',
  },
  {
    target: ['./emulator', './cli'],
    from: './lib',
    except: ['./index.ts', './validation.ts', './version.ts'],
    message: 'Import the public names.',
  },
  ...['doctor', 'emulator'].map((part) => ({
    target: './cli',
    from: `./${part}`,
    except: ['./index.ts'],
    message: `Import the public names, from ioredis-azure/${part}.`,
  })),
  { target: './emulator', from: ['./doctor', './cli'], message: 'The emulator knows the library only.' },
  { target: './doctor', from: ['./emulator', './cli'], message: 'The doctor knows the library only.' },
];

/** What only lib/ioredis may import. */
const SEAM = [
  { group: ['ioredis/*'], message: 'Only lib/ioredis imports the inner modules of ioredis.' },
  {
    regex: 'ioredis/client.js$',
    importNames: ['internals'],
    message: 'Only lib/ioredis uses internals().',
  },
];

const noImport = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
});

const NO_AZURE = { group: ['@azure/*'], message: 'Clients know nothing of Azure.' };

export default defineConfig(
  globalIgnores(['build/', 'dist/', 'spec/package/fixtures/']),
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'import-x/no-extraneous-dependencies': ['error', { includeTypes: true }],
      'import-x/no-restricted-paths': ['error', { zones }],
      'max-lines': ['error', 300],
    },
  },
  {
    files: ['lib/**/*.ts', 'doctor/**/*.ts', 'emulator/**/*.ts', 'register/**/*.ts', 'cli/**/*.ts'],
    rules: {
      // What is published imports only what is installed with it.
      'import-x/no-extraneous-dependencies': [
        'error',
        { devDependencies: false, includeTypes: true, includeInternal: true },
      ],
    },
  },
  {
    // These are built in.
    files: ['cli/**/*.ts', 'emulator/**/*.ts', 'lib/credentials/*.ts'],
    settings: { 'import-x/core-modules': ['commander', 'jose', 'p-retry'] },
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['lib/ioredis/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: `MemberExpression[property.type='Identifier'][property.name=/^(${INTERNALS.join('|')})$/]`,
          message: 'Only lib/ioredis touches what ioredis keeps to itself.',
        },
      ],
      ...noImport(...SEAM),
    },
  },
  {
    files: ['lib/identities/**/*.ts'],
    rules: noImport({ group: ['ioredis', 'ioredis/*'], message: 'Identities know nothing of Redis.' }),
  },
  {
    files: ['lib/connection/**/*.ts', 'lib/heartbeat/**/*.ts', 'lib/timing/**/*.ts'],
    rules: noImport(...SEAM, NO_AZURE),
  },
  {
    files: ['lib/ioredis/**/*.ts'],
    rules: noImport(NO_AZURE),
  },
  {
    files: ['spec/**/*.ts'],
    rules: {
      // chai's assertions are property reads.
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
