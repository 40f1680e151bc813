import { join } from 'node:path';
import ts from 'typescript';
import { CONTEXT, PACKAGES } from './context.js';
import { ROOT, type CodeBlock } from './documents.js';

const FOLDER = join(ROOT, 'docs', 'code-blocks');

/** Type-checks code blocks in strict mode, each as a module. Returns the errors, with their place in the document. */
export function compile(blocks: readonly CodeBlock[]): string[] {
  const byFile = new Map(blocks.map((block, index) => [join(FOLDER, `${index}.ts`), block]));
  const texts = new Map([...byFile].map(([file, { code }]) => [file, `${code}\nexport {};\n`]));
  texts.set(join(FOLDER, 'context.d.ts'), CONTEXT);
  texts.set(join(FOLDER, 'packages.d.ts'), PACKAGES);

  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...texts.keys()], options, {
    ...host,
    fileExists: (file) => texts.has(file) || host.fileExists(file),
    readFile: (file) => texts.get(file) ?? host.readFile(file),
    getSourceFile: (file, languageVersion, ...rest) => {
      const text = texts.get(file);
      if (text === undefined) return host.getSourceFile(file, languageVersion, ...rest);
      return ts.createSourceFile(file, text, languageVersion);
    },
  });
  return [...texts.keys()]
    .map((file) => program.getSourceFile(file))
    .flatMap((source) => [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ])
    .map((diagnostic) => describe(diagnostic, byFile));
}

/** Strict, as in most applications, and with the rules that suit an example: it may leave a variable unused. */
function compilerOptions(): ts.CompilerOptions {
  const file = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT, {}, file);
  return {
    ...options,
    exactOptionalPropertyTypes: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
  };
}

function describe(
  { file, start, messageText }: ts.Diagnostic,
  blocks: ReadonlyMap<string, CodeBlock>,
): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  const block = blocks.get(file?.fileName ?? '');
  if (!block || !file || start === undefined) return `${file?.fileName ?? ''}: ${message}`;
  return `${block.path}:${block.line + file.getLineAndCharacterOfPosition(start).line}: ${message}`;
}
