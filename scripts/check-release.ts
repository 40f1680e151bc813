/**
 * Checks that the built package can be released, and writes its software bill of materials to build/.
 *
 *   npm run check-release                a dry run: what is still missing for a release is listed
 *   npm run check-release -- v1.0.0      before the release of this tag: nothing may be missing
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../lib/version.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const [tag] = process.argv.slice(2);
const { version, repository, bugs } = JSON.parse(text('package.json')) as {
  version: string;
  repository?: unknown;
  bugs?: unknown;
};
const lock = JSON.parse(text('package-lock.json')) as { version: string };

/** What must hold at any time. */
const wrong: string[] = [];
/** What must hold for a release. */
const missing: string[] = [];

if (version !== VERSION) wrong.push(`lib/version.ts says ${VERSION}, package.json ${version}`);
if (version !== lock.version) wrong.push(`package-lock.json says ${lock.version}, package.json ${version}`);
checkPins();
checkPublication();
writeBillOfMaterials();

// Only the owner of the package knows these: package.json is the one place that states them.
if (repository === undefined) missing.push('package.json: `repository`, which provenance is checked against');
if (bugs === undefined) missing.push('package.json: `bugs`, where users and SECURITY.md send reports');

const isInChangelog = text('CHANGELOG.md')
  .split('\n')
  .some((line) => line.startsWith(`## [${version}] - 20`));
if (!isInChangelog) missing.push(`CHANGELOG.md: the heading "## [${version}] - <date>"`);
if (tag !== undefined && tag !== `v${version}`)
  missing.push(`the tag v${version}: ${tag} is another version`);

report();

/** Actions and images are named by what they contain: a tag may be moved. */
function checkPins(): void {
  const workflows = readdirSync(join(ROOT, '.github/workflows')).map((file) => `.github/workflows/${file}`);
  for (const file of workflows) {
    for (const [, action = ''] of text(file).matchAll(/uses: (\S+)/g))
      if (!/@[0-9a-f]{40}$/.test(action)) wrong.push(`${file}: ${action} is not pinned by a commit`);
  }
  const images = ['Dockerfile', '.github/workflows/release.yml'].flatMap((file) =>
    [...text(file).matchAll(/^(?:ARG IMAGE=| +container: )(\S+)/gm)].map(([, image = '']) => ({
      file,
      image,
    })),
  );
  for (const { file, image } of images)
    if (!/@sha256:[0-9a-f]{64}$/.test(image)) wrong.push(`${file}: ${image} is not pinned by a digest`);
}

/** Does all that `npm publish` does, except to publish. */
function checkPublication(): void {
  try {
    npm('publish', '--dry-run', '--ignore-scripts', '--access', 'public');
  } catch (error) {
    wrong.push(`npm publish --dry-run fails: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface BillOfMaterials {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly 'bom-ref': string;
    readonly properties?: readonly { readonly name: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** Lists the packages that are installed with this one, and those that are built in. */
function writeBillOfMaterials(): void {
  const all = JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx', '--package-lock-only')) as BillOfMaterials;
  const licences = text('dist/THIRD-PARTY-LICENSES.txt');
  const isBuiltIn = ({ name, version: its }: { name: string; version: string }): boolean =>
    licences.includes(`\n${name} ${its}\n`);
  const components = all.components.filter(
    (each) => isBuiltIn(each) || !each.properties?.some(({ name }) => name === 'cdx:npm:package:development'),
  );
  const refs = new Set(components.map((each) => each['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref) || ref === `ioredis-azure@${version}`)
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const file = `build/ioredis-azure-${version}.cdx.json`;
  writeFileSync(join(ROOT, file), JSON.stringify({ ...all, components, dependencies }, undefined, 2));
  const builtIn = components.filter(isBuiltIn).length;
  if (builtIn === 0) wrong.push('dist/THIRD-PARTY-LICENSES.txt names no package');
  console.log(`${file}: ${components.length} packages, ${builtIn} of which are built in.`);
}

function report(): void {
  for (const what of wrong) console.error(`Wrong: ${what}.`);
  for (const what of missing) console.log(`Missing for a release: ${what}.`);
  const fails = wrong.length > 0 || (tag !== undefined && missing.length > 0);
  const can = fails ? 'cannot' : 'can';
  console.log(tag === undefined ? `The package ${can} be packed.` : `${tag} ${can} be released.`);
  if (fails) process.exitCode = 1;
}

function npm(...args: readonly string[]): string {
  return execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
