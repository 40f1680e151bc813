import { POSSIBLY_BLOCKED } from '../blocked-commands.js';
import { splitInline } from './inline.js';
import { readInteger } from './integers.js';

/** The properties of a command that the endpoint uses. */
export interface Command {
  /** In lower case; empty if it is longer than any command that the endpoint handles. */
  readonly name: string;
  /** The number of arguments, including the name. */
  readonly count: number;
}

/** A contiguous part of the client's input. */
export interface Piece {
  readonly bytes: Buffer;
  /** The commands that end in these bytes, in order. */
  readonly commands: readonly Command[];
  /** All arguments, if the piece is exactly one command that the endpoint reads. */
  readonly args?: readonly Buffer[];
}

/** The head of the input: a complete command to read, or enough of one to skip it. */
interface Head {
  readonly end: number;
  readonly command?: Command;
  readonly args?: readonly Buffer[];
  /** The outstanding bytes of the current argument, and the outstanding arguments after it; none if absent. */
  readonly bytesLeft?: number;
  readonly argumentsLeft?: number;
}

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const RETURN = 0x0d;
const NEWLINE = 0x0a;
const NUL = 0x00;
const EMPTY = Buffer.alloc(0);

const COMMANDS_READ: ReadonlySet<string> = new Set([
  'auth',
  'hello',
  'client',
  'select',
  ...POSSIBLY_BLOCKED,
]);
const LONGEST_NAME = 16;
/** The longest line that redis-server accepts; no login is longer. */
const LONGEST_LINE = 64 * 1024;
const MOST_ARGUMENTS = 2 ** 31 - 1;

type Incomplete = 'incomplete';
type Malformed = 'malformed';

/**
 * Splits a client's input into commands (arrays of bulk strings, and inline commands), however the bytes are split over
 * packets. Logins are returned as a whole; the payload of every other command is returned as it arrives, unbuffered.
 *
 * After malformed input, everything is returned unchanged: redis-server answers it and closes the connection.
 */
export class CommandFramer {
  #input: Buffer = EMPTY;
  #malformed = false;
  #readsAll = false;
  /** The command whose arguments are being skipped. */
  #current: Command | undefined;
  #argumentsLeft = 0;
  #bytesLeft = 0;

  push(chunk: Buffer): void {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
  }

  /**
   * The next piece, or `undefined` until more has been pushed.
   *
   * @param readsAll Whether every command is wanted as a piece of its own, with its arguments.
   */
  next(readsAll = false): Piece | undefined {
    this.#readsAll = readsAll;
    const commands: Command[] = [];
    let position = 0;
    while (position < this.#input.length && !this.#malformed) {
      if (this.#current !== undefined) {
        const end = this.#skipArguments(position, this.#current, commands);
        if (end === position) break;
        position = end;
        continue;
      }
      const head = this.#readHead(position);
      if (head === 'incomplete') break;
      if (head === 'malformed') {
        this.#malformed = true;
      } else if (head.args !== undefined && head.command !== undefined) {
        if (position > 0) break;
        return { bytes: this.#take(head.end), commands: [head.command], args: head.args };
      } else {
        position = head.end;
        if (head.command !== undefined) {
          this.#argumentsLeft = head.argumentsLeft ?? 0;
          this.#bytesLeft = head.bytesLeft ?? 0;
          this.#endOrGoOn(head.command, commands);
        }
      }
    }
    if (this.#malformed) position = this.#input.length;
    return position === 0 ? undefined : { bytes: this.#take(position), commands };
  }

  #take(length: number): Buffer {
    const bytes = this.#input.subarray(0, length);
    this.#input = length === this.#input.length ? EMPTY : this.#input.subarray(length);
    return bytes;
  }

  #endOrGoOn(command: Command, commands: Command[]): void {
    if (this.#argumentsLeft === 0 && this.#bytesLeft === 0) {
      this.#current = undefined;
      commands.push(command);
    } else {
      this.#current = command;
    }
  }

  /** Skips as much of the current command as has arrived, and returns where that ends. */
  #skipArguments(start: number, command: Command, commands: Command[]): number {
    let position = start;
    for (;;) {
      const step = Math.min(this.#bytesLeft, this.#input.length - position);
      position += step;
      this.#bytesLeft -= step;
      if (this.#bytesLeft > 0 || this.#argumentsLeft === 0) {
        this.#endOrGoOn(command, commands);
        return position;
      }
      const header = this.#readHeader(position, DOLLAR);
      if (header === 'incomplete') return position;
      if (header === 'malformed' || header.value < 0) {
        this.#malformed = true;
        return position;
      }
      position = header.end;
      this.#argumentsLeft--;
      this.#bytesLeft = header.value + 2;
    }
  }

  #readHead(start: number): Head | Incomplete | Malformed {
    if (this.#input[start] !== ASTERISK) return this.#readInline(start);
    const array = this.#readHeader(start, ASTERISK);
    if (typeof array === 'string') return array;
    const count = array.value;
    if (count > MOST_ARGUMENTS) return 'malformed';
    // redis-server ignores an empty array, without a reply.
    if (count <= 0) return { end: array.end };
    const bulk = this.#readHeader(array.end, DOLLAR);
    if (typeof bulk === 'string') return bulk;
    if (bulk.value < 0) return 'malformed';
    if (bulk.value > LONGEST_NAME) {
      const command = { name: '', count };
      return { end: bulk.end, command, bytesLeft: bulk.value + 2, argumentsLeft: count - 1 };
    }
    const end = bulk.end + bulk.value + 2;
    if (end > this.#input.length) return 'incomplete';
    const name = this.#input.toString('latin1', bulk.end, bulk.end + bulk.value).toLowerCase();
    if (this.#readsAll || COMMANDS_READ.has(name)) {
      const whole = this.#readArguments(array.end, start + LONGEST_LINE, { name, count });
      if (whole !== undefined) return whole;
    }
    return { end, command: { name, count }, argumentsLeft: count - 1 };
  }

  /** Reads a complete command; `undefined` if it is longer than any login, which the endpoint then does not handle. */
  #readArguments(start: number, limit: number, command: Command): Head | Incomplete | Malformed | undefined {
    const args: Buffer[] = [];
    let position = start;
    while (args.length < command.count) {
      const bulk = this.#readHeader(position, DOLLAR);
      if (typeof bulk === 'string') return bulk;
      if (bulk.value < 0) return 'malformed';
      position = bulk.end + bulk.value + 2;
      if (position > limit) return undefined;
      if (position > this.#input.length) return 'incomplete';
      args.push(this.#input.subarray(bulk.end, bulk.end + bulk.value));
    }
    return { end: position, command, args };
  }

  /** Reads the number of `*3\r\n` or `$3\r\n`. */
  #readHeader(start: number, sign: number): { value: number; end: number } | Incomplete | Malformed {
    if (start >= this.#input.length) return 'incomplete';
    if (this.#input[start] !== sign) return 'malformed';
    const end = this.#input.indexOf(RETURN, start);
    if (this.#lineEnd(end) - start > LONGEST_LINE) return 'malformed';
    if (end === -1 || end + 2 > this.#input.length) return 'incomplete';
    const value = readInteger(this.#input, start + 1, end);
    // Like redis-server, this accepts any byte after the carriage return as the newline.
    return Number.isNaN(value) ? 'malformed' : { value, end: end + 2 };
  }

  /** Where a line ends, or how much of it has arrived. */
  #lineEnd(end: number): number {
    return end === -1 ? this.#input.length : end;
  }

  #readInline(start: number): Head | Incomplete | Malformed {
    const newline = this.#input.indexOf(NEWLINE, start);
    const nul = this.#input.indexOf(NUL, start);
    // redis-server searches a C string for the end of the line: after a NUL it finds none, and accepts no more commands.
    if (nul !== -1 && (newline === -1 || nul < newline)) return 'malformed';
    if (this.#lineEnd(newline) - start > LONGEST_LINE) return 'malformed';
    if (newline === -1) return 'incomplete';
    const last = newline > start && this.#input[newline - 1] === RETURN ? newline - 1 : newline;
    const args = splitInline(this.#input.subarray(start, last));
    if (args === undefined) return 'malformed';
    const end = newline + 1;
    const [first] = args;
    if (first === undefined) return { end };
    const name = first.length > LONGEST_NAME ? '' : first.toString('latin1').toLowerCase();
    const command = { name, count: args.length };
    return this.#readsAll || COMMANDS_READ.has(name) ? { end, command, args } : { end, command };
  }
}
