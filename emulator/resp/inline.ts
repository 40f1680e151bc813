const BACKSLASH = 0x5c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const ESCAPES = new Map([
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['b', 0x08],
  ['a', 0x07],
]);

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** An argument of an inline command, and where the next one starts. */
interface Argument {
  readonly bytes: Buffer;
  readonly end: number;
}

function readEscape(line: Buffer, position: number): Argument {
  const hex = /^x([0-9a-fA-F]{2})$/.exec(line.toString('latin1', position + 1, position + 4))?.[1];
  if (hex !== undefined) return { bytes: Buffer.from(hex, 'hex'), end: position + 4 };
  const escaped = line[position + 1] ?? BACKSLASH;
  const byte = ESCAPES.get(String.fromCharCode(escaped)) ?? escaped;
  return { bytes: Buffer.from([byte]), end: position + 2 };
}

function readArgument(line: Buffer, start: number): Argument | undefined {
  const parts: Buffer[] = [];
  let quote: number | undefined;
  let position = start;
  while (position < line.length) {
    const byte = line[position] ?? 0;
    const next = line[position + 1];
    if (quote === undefined && isSpace(byte)) break;
    if (quote === undefined && (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE)) {
      quote = byte;
      position++;
    } else if (byte === quote) {
      // A closing quote must be followed by a space or the end.
      return next === undefined || isSpace(next)
        ? { bytes: Buffer.concat(parts), end: position + 1 }
        : undefined;
    } else if (quote === DOUBLE_QUOTE && byte === BACKSLASH && next !== undefined) {
      const escape = readEscape(line, position);
      parts.push(escape.bytes);
      position = escape.end;
    } else if (quote === SINGLE_QUOTE && byte === BACKSLASH && next === SINGLE_QUOTE) {
      parts.push(Buffer.from([SINGLE_QUOTE]));
      position += 2;
    } else {
      parts.push(line.subarray(position, position + 1));
      position++;
    }
  }
  return quote === undefined ? { bytes: Buffer.concat(parts), end: position } : undefined;
}

/**
 * Splits an inline command into its arguments by the rules of redis-server: spaces, and quotes as in a shell.
 * `undefined` if the quotes are not balanced, which redis-server answers with a protocol error.
 */
export function splitInline(text: Buffer): Buffer[] | undefined {
  const args: Buffer[] = [];
  let position = 0;
  for (;;) {
    while (isSpace(text[position])) position++;
    if (position >= text.length) return args;
    const argument = readArgument(text, position);
    if (argument === undefined) return undefined;
    args.push(argument.bytes);
    position = argument.end;
  }
}
