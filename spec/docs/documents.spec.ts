import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { codeBlocks, documents, prose, read, ROOT, type Document } from './support/documents.js';
import { SAMPLES } from '../samples/support/copies.js';
import { PublicTypes } from './support/public-types.js';

const SIDE_DOCUMENTS = [
  ...['SECURITY.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'samples/README.md'],
  ...SAMPLES.map((sample) => `samples/${sample}/README.md`),
];
const all = [...documents(), ...SIDE_DOCUMENTS.filter((path) => existsSync(join(ROOT, path))).map(read)];

describe('the documents', () => {
  it('begin with a README of at most 250 lines', () => {
    expect(read('README.md').text.split('\n').length).to.be.at.most(250);
  });

  for (const document of all) {
    it(`have links that resolve: ${document.path}`, () => {
      expect(linksOf(document).filter((link) => !resolves(document, link))).to.deep.equal([]);
    });
  }

  it('are all reached from the README', () => {
    const readme = read('README.md');
    const linked = linksOf(readme).map((link) => link.split('#')[0]);
    const guides = documents().map(({ path }) => path);
    expect(guides.filter((path) => path !== readme.path && !linked.includes(path))).to.deep.equal([]);
  });

  it('are part of the package, as far as the README leads to guides', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
    expect(files).to.include('docs/*.md');
  });

  it('name access policy assignments as Azure permits: by letters and digits', () => {
    const names = documents().flatMap(({ text }) =>
      [...text.matchAll(/--(?:access-)?policy-assignment-name (\S+)/g)].map(([, name = '']) => name),
    );
    expect(names).not.to.deep.equal([]);
    expect(names.filter((name) => !/^[A-Za-z0-9]{1,60}$/.test(name))).to.deep.equal([]);
  });

  it('set each variable of the shell once in a code block', () => {
    const repeated = documents()
      .flatMap(codeBlocks)
      .filter(({ language, code }) => {
        const names = [...code.matchAll(/^([A-Z_]+)=\$\(/gm)].map(([, name]) => name);
        return language === 'sh' && new Set(names).size < names.length;
      });
    expect(repeated.map(({ path, line }) => `${path}:${line}`)).to.deep.equal([]);
  });

  describe('and the public types', () => {
    let library: PublicTypes;
    let emulator: PublicTypes;

    before(function () {
      // The compiler reads the types of all dependencies.
      this.timeout(60_000);
      library = new PublicTypes('lib/index.ts');
      emulator = new PublicTypes('emulator/index.ts');
    });

    it('list every option in the README', () => {
      const names = ['AuthenticatorOptions', 'Identities'].flatMap((name) => library.propertiesOf(name));
      expect(names).to.include.members(['credential', 'heartbeatInterval']);
      expect(missing(names, read('README.md'))).to.deep.equal([]);
    });

    it('explain every error code', () => {
      const codes = library.valuesOf('AzureRedisErrorCode');
      expect(codes).to.include.members(['WRONGPASS', 'CLOSED']);
      expect(missing(codes, read('docs/troubleshooting.md'))).to.deep.equal([]);
    });

    it('describe every event', () => {
      const events = library.propertiesOf('AuthenticatorEvents');
      expect(events).to.include('recycled');
      expect(missing(events, read('docs/events-and-monitoring.md'))).to.deep.equal([]);
    });

    it('list every reason of a replacement, and every way of delivery', () => {
      const reasons = library.valuesOf('RecycleReason');
      expect(reasons).to.include('blocked');
      expect(missing(reasons, read('docs/events-and-monitoring.md'))).to.deep.equal([]);
      const deliveries = library.valuesOf('Delivery');
      expect(deliveries).to.include('best-effort');
      expect(missing(deliveries, read('docs/multiplexer.md'))).to.deep.equal([]);
    });

    it('list every option of the emulator', () => {
      const names = emulator.propertiesOf('AzureRedisEmulatorOptions');
      expect(names).to.include.members(['cluster', 'tokenLifetime']);
      expect(missing(names, read('docs/emulator.md'))).to.deep.equal([]);
    });
  });
});

/** The addresses of a document's links that do not leave the repository. */
function linksOf(document: Document): string[] {
  return [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function resolves({ path }: Document, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(anchor);
}

/** The anchors that GitHub gives headings. */
function anchorsOf(document: Document): string[] {
  return [...prose(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function missing(names: readonly string[], document: Document): string[] {
  return names.filter((name) => !document.text.includes(`\`${name}`));
}
