import { stripVTControlCharacters, styleText } from 'node:util';

/** A format of `styleText()`. */
export type Style = Parameters<typeof styleText>[0];

/** What a subcommand prints to: text with colours on a terminal, or JSON. */
export class Output {
  /** Whether the flag `--json` was given. */
  readonly isJson: boolean;
  readonly #stream: NodeJS.WriteStream;

  constructor(
    { json = false }: { readonly json?: boolean | undefined } = {},
    stream: NodeJS.WriteStream = process.stdout,
  ) {
    this.isJson = json;
    this.#stream = stream;
  }

  /** Colours a text if the stream is a terminal; `NO_COLOR` and `FORCE_COLOR` decide otherwise. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }

  /** The columns of the terminal; without one, lines have no end. */
  get width(): number {
    return this.#stream.isTTY ? this.#stream.columns : Infinity;
  }

  line(text = ''): void {
    this.#stream.write(`${text}\n`);
  }

  /** Prints a value as JSON: on one line, or indented. */
  json(value: unknown, { indented = false } = {}): void {
    this.line(JSON.stringify(value, undefined, indented ? 2 : undefined));
  }

  /** Prints rows whose cells are aligned; the cells may be coloured. */
  table(rows: readonly (readonly string[])[], indent = ''): void {
    const columns = Math.max(...rows.map(({ length }) => length));
    const widths = Array.from({ length: columns }, (_, column) =>
      Math.max(...rows.map((row) => widthOf(row[column] ?? ''))),
    );
    for (const row of rows) {
      const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)));
      this.line((indent + cells.join('  ')).trimEnd());
    }
  }
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
