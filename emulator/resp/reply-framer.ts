import { readInteger } from './integers.js';

/** A reply, or an element of one, as far as the endpoint has to know it. */
export interface Element {
  /** The RESP type: the byte that it starts with. */
  readonly type: string;
  /** The text of a line (a simple string, an error, a number) or of a short string; empty for anything else. */
  readonly text: string;
}

/** A reply, or a push, at the top level. */
export interface Reply extends Element {
  /** Its first elements, as many as were asked for. */
  readonly elements: readonly Element[];
}

/** An array, map, set, push or attribute whose elements have not all come yet. */
interface Aggregate {
  readonly type: string;
  left: number;
}

export interface ReplyFramerListener {
  /** How many elements of the top-level array or push that begins now are to be told with it. */
  elementsWanted(type: string, count: number): number;
  /** Whether this simple string is part of no reply, wherever it comes: MONITOR's lines come even within one. */
  isAside(text: string): boolean;
  reply(reply: Reply): void;
}

const NEWLINE = 0x0a;
const EMPTY = Buffer.alloc(0);
const LINES = '+-:,#(_';
const STRINGS = '$=!';
const AGGREGATES = '*~%>|';
/** Longer texts are not told: no name of a push, no number of subscriptions is as long. */
const LONGEST_TEXT = 64;

/**
 * Finds the replies (RESP2 and RESP3) in what a server sends, however the bytes are split over packets. It only looks
 * on: payloads are skipped, never kept.
 */
export class ReplyFramer {
  readonly #listener: ReplyFramerListener;
  #rest: Buffer = EMPTY;
  #bytesLeft = 0;
  #aggregates: Aggregate[] = [];
  #elements: Element[] = [];
  #elementsWanted = 0;
  #malformed = false;

  constructor(listener: ReplyFramerListener) {
    this.#listener = listener;
  }

  /** Whether something came that is no RESP: what follows cannot be told apart. */
  get malformed(): boolean {
    return this.#malformed;
  }

  push(chunk: Buffer): void {
    if (this.#malformed) return;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let position = 0;
    while (position < bytes.length) {
      const end = this.#bytesLeft > 0 ? this.#skip(bytes, position) : this.#read(bytes, position);
      if (end === position) break;
      position = end;
    }
    this.#rest = this.malformed ? EMPTY : bytes.subarray(position);
  }

  #skip(bytes: Buffer, start: number): number {
    const step = Math.min(this.#bytesLeft, bytes.length - start);
    this.#bytesLeft -= step;
    if (this.#bytesLeft === 0) this.#complete('$', '');
    return start + step;
  }

  /** Reads one line, and what it announces; says where that ends, which is `start` when it is not all there yet. */
  #read(bytes: Buffer, start: number): number {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline === -1) return start;
    const type = String.fromCharCode(bytes[start] ?? 0);
    const end = newline + 1;
    if (LINES.includes(type)) {
      const last = Math.min(newline - 1, start + 1 + LONGEST_TEXT);
      const text = bytes.toString('latin1', start + 1, last);
      if (type !== '+' || !this.#listener.isAside(text)) this.#complete(type, text);
      return end;
    }
    const length = readInteger(bytes, start + 1, newline - 1);
    if (Number.isNaN(length) || length < -1) {
      this.#malformed = true;
    } else if (AGGREGATES.includes(type)) {
      this.#begin(type, length);
    } else if (!STRINGS.includes(type)) {
      this.#malformed = true;
    } else if (length === -1) {
      this.#complete(type, '');
    } else if (this.#listens() && length <= LONGEST_TEXT) {
      if (end + length + 2 > bytes.length) return start;
      this.#complete(type, bytes.toString('latin1', end, end + length));
      return end + length + 2;
    } else {
      this.#bytesLeft = length + 2;
    }
    return this.#malformed ? bytes.length : end;
  }

  /** Whether the texts of the elements that come now are wanted. */
  #listens(): boolean {
    return this.#aggregates.length === 1 && this.#elements.length < this.#elementsWanted;
  }

  #begin(type: string, length: number): void {
    const count = type === '%' || type === '|' ? length * 2 : length;
    if (this.#aggregates.length === 0) {
      this.#elements = [];
      this.#elementsWanted = type === '|' ? 0 : this.#listener.elementsWanted(type, count);
    }
    if (count > 0) this.#aggregates.push({ type, left: count });
    else if (!this.#isAside(type)) this.#complete(type, '');
  }

  /**
   * Whether an aggregate within those that are open is no element of them. An attribute belongs to what follows it. A
   * push comes within a reply when the command that is being answered made the server send it.
   */
  #isAside(type: string): boolean {
    return type === '|' || (type === '>' && this.#aggregates.length > 0);
  }

  #complete(type: string, text: string): void {
    let completed: Element = { type, text };
    for (;;) {
      const aggregate = this.#aggregates.at(-1);
      if (aggregate === undefined) {
        const elements = this.#elements;
        this.#elements = [];
        this.#elementsWanted = 0;
        this.#listener.reply({ ...completed, elements });
        return;
      }
      if (this.#listens()) this.#elements.push(completed);
      aggregate.left--;
      if (aggregate.left > 0) return;
      this.#aggregates.pop();
      if (this.#isAside(aggregate.type)) return;
      completed = { type: aggregate.type, text: '' };
    }
  }
}
