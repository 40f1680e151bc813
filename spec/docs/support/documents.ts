import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A Markdown document of the repository. */
export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced code block. */
export interface CodeBlock {
  readonly path: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  /** What follows the language, such as `run`. */
  readonly flags: readonly string[];
  readonly code: string;
}

/** README.md, and everything in docs/. */
export function documents(): Document[] {
  const guides = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...guides.map((name) => join('docs', name))].map(read);
}

/** A document by its path from the root of the repository. */
export function read(path: string): Document {
  return { path: relative(ROOT, join(ROOT, path)), text: readFileSync(join(ROOT, path), 'utf8') };
}

/** The fenced code blocks of a document. */
export function codeBlocks({ path, text }: Document): CodeBlock[] {
  return [...text.matchAll(/^```(\S*)([^\n]*)\n(.*?)^```$/gms)].map((match) => {
    const [, language = '', flags = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    return { path, line, language, flags: flags.split(' ').filter(Boolean), code };
  });
}

/** The text without fenced code blocks. */
export function prose({ text }: Document): string {
  return text.replaceAll(/^```.*?^```$/gms, '');
}
