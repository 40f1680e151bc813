import { readInteger } from './integers.js';

/** What a command answered: a text, a number, nothing, or a list of these. */
export type RedisValue = string | number | null | RedisValue[];

/** An error that redis-server answered with. */
export class RedisReplyError extends Error {
  /** Always `RedisReplyError`. */
  override readonly name = 'RedisReplyError';
}

const NEWLINE = 0x0a;

/** A decoded reply, and where in the bytes it ends. */
interface Decoded {
  readonly value: RedisValue | RedisReplyError;
  readonly end: number;
}

/** Decodes the RESP2 reply that starts at `start`. All of it must be there. */
export function decodeReply(bytes: Buffer, start = 0): Decoded {
  const newline = bytes.indexOf(NEWLINE, start);
  const end = newline + 1;
  const type = String.fromCharCode(bytes[start] ?? 0);
  if (type === '+') return { value: bytes.toString('utf8', start + 1, newline - 1), end };
  if (type === '-')
    return { value: new RedisReplyError(bytes.toString('utf8', start + 1, newline - 1)), end };
  const number = readInteger(bytes, start + 1, newline - 1);
  if (type === ':') return { value: number, end };
  if (number === -1) return { value: null, end };
  if (type === '$') return { value: bytes.toString('utf8', end, end + number), end: end + number + 2 };

  const values: RedisValue[] = [];
  let position = end;
  while (values.length < number) {
    const element = decodeReply(bytes, position);
    values.push(element.value instanceof RedisReplyError ? element.value.message : element.value);
    position = element.end;
  }
  return { value: values, end: position };
}
