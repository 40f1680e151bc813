import type { Writable } from 'node:stream';

type Row = readonly (string | number)[];

/** The rows in columns: the first one aligned to the left, the others to the right. */
export function formatTable(rows: readonly Row[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, String(cell).length)),
    [],
  );
  const pad = (cell: string | number, column: number): string =>
    column === 0 ? String(cell).padEnd(widths[0] ?? 0) : String(cell).padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('   ')).join('\n');
}

/** Text at the end of a terminal that is replaced by its next version, while lines are printed above it. */
export class LiveText {
  readonly #output: Writable;
  #text = '';

  constructor(output: Writable) {
    this.#output = output;
  }

  update(text: string): void {
    this.#replace('', text);
  }

  print(line: string): void {
    this.#replace(`${line}\n`, this.#text);
  }

  /** Leaves the text as it is; what is printed next comes after it. */
  end(): void {
    this.#text = '';
  }

  #replace(above: string, text: string): void {
    const lines = this.#text.split('\n').length - 1;
    const back = lines > 0 ? `\u001B[${lines}A\u001B[J` : '';
    this.#text = text;
    this.#output.write(`${back}${above}${text}`);
  }
}
