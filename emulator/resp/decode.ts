import { readInteger } from './integers.js';

/** The reply to a command: a string, a number, null, or a list of these. */
export type RedisValue = string | number | null | RedisValue[];

/** An error reply of redis-server. */
export class RedisReplyError extends Error {
  /** Always `RedisReplyError`. */
  override readonly name = 'RedisReplyError';
}

const NEWLINE = 0x0a;

/** A decoded reply, and the position of its end. */
interface Decoded {
  readonly value: RedisValue | RedisReplyError;
  readonly end: number;
}

/** Decodes the RESP2 reply at `start`, which must be complete. */
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
