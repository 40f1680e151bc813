import { readInteger } from './integers.js';

/** The properties of a reply, or of an element of one, that the endpoint uses. */
export interface Element {
  /** The RESP type: its first byte. */
  readonly type: string;
  /** The text of a line (a simple string, an error, a number) or of a short string; empty for anything else. */
  readonly text: string;
}

/** A top-level reply or push. */
export interface Reply extends Element {
  /** Its first elements, as many as were requested. */
  readonly elements: readonly Element[];
}

/** An array, map, set, push or attribute that is not complete yet. */
interface Aggregate {
  readonly type: string;
  left: number;
}

export interface ReplyFramerListener {
  /** The number of elements to report with the top-level array or push that begins now. */
  elementsWanted(type: string, count: number): number;
  /** Whether this simple string is not part of any reply: the lines of MONITOR arrive even within one. */
  isAside(text: string): boolean;
  reply(reply: Reply): void;
}

const NEWLINE = 0x0a;
const EMPTY = Buffer.alloc(0);
const LINES = '+-:,#(_';
const STRINGS = '$=!';
const AGGREGATES = '*~%>|';
/** Longer strings are not reported: no name of a push and no number of subscriptions is as long. */
const LONGEST_TEXT = 64;

/**
 * Finds the replies (RESP2 and RESP3) in a server's output, however the bytes are split over packets. Payloads are skipped,
 * never stored.
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

  /** Whether the output was not RESP: replies after it cannot be recognised. */
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

  /** Reads one line and the payload that it announces; returns where they end, or `start` if they are incomplete. */
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

  /** Whether the next elements are to be reported. */
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
   * Whether an aggregate within open ones is not an element of them. An attribute belongs to what follows it. A push arrives
   * within a reply if the command of that reply caused it.
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
