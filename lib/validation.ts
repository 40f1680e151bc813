import { AzureRedisError } from './errors.js';
import { redacted } from './redaction.js';
import { MAX_TIMER_DELAY } from './timing/timeouts.js';

/**
 * Checks the value of an option or argument.
 *
 * @param expected The valid values, to follow "must be".
 * @throws AzureRedisError `INVALID_OPTION`, with the value in its message: of an option that may hold a secret, give
 *   `kindOf(value)` as `got`.
 */
export function assertOption(
  isValid: boolean,
  name: string,
  value: unknown,
  expected: string,
  { hint = `Set \`${name}\` to ${expected}.`, got = shown(value) } = {},
): asserts isValid {
  if (!isValid) throw invalidOption(`\`${name}\` must be ${expected}, got ${got}.`, hint);
}

export function invalidOption(message: string, hint: string, cause?: unknown): AzureRedisError {
  return new AzureRedisError('INVALID_OPTION', message, hint, cause === undefined ? {} : { cause });
}

export function conflictingOptions(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('CONFLICTING_OPTIONS', message, hint);
}

/** A value as a message shows it: 'fast', 42, null, an object. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      // Options are mixed up: a secret may be where an id belongs.
      const text = redacted(value);
      return text.length > LONGEST_TEXT ? `'${text.slice(0, LONGEST_TEXT)}…'` : `'${text}'`;
    }
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    default:
      return kindOf(value);
  }
}

const LONGEST_TEXT = 40;

/** The kind of a value, which gives away nothing of it: a string, undefined, null, an object. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a Date';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Whether the value is a number of milliseconds, from 0, that a timer can count. */
export function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIMER_DELAY;
}

/** Whether the value is an object, and no array. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the value is a string with content. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** What an id, a secret or a scope must be. One that is read from a file may end with a line break. */
export const LINE = 'a non-empty string without line breaks';

const LINE_BREAK = /[\r\n]/;

export function isLine(value: unknown): value is string {
  return isText(value) && !LINE_BREAK.test(value);
}

/** The kind of a value that is no `LINE`, which gives away nothing of it. */
export function kindOfLine(value: unknown): string {
  return typeof value === 'string' && LINE_BREAK.test(value) ? 'one with a line break' : kindOf(value);
}

/**
 * The fields of an option that is an object.
 *
 * @param keys All fields that it may have.
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkFields(
  option: string,
  value: unknown,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  const hint = `Its fields are ${keys.join(', ')}.`;
  assertOption(isObject(value), option, value, 'an object', { hint, got: kindOf(value) });
  const unknownKey = Object.keys(value).find((key) => !keys.includes(key));
  if (unknownKey !== undefined) throw invalidOption(`\`${option}\` has no field \`${unknownKey}\`.`, hint);
  return { ...value };
}

/**
 * Checks an option that must be a {@link LINE}. An environment variable that is not set is reported as missing.
 *
 * @throws AzureRedisError `INVALID_OPTION`, without the value, which may be a secret.
 */
export function checkText(name: string, value: unknown, hint: string): string {
  if (value === undefined) throw invalidOption(`\`${name}\` is missing.`, hint);
  assertOption(isLine(value), name, value, LINE, { hint, got: kindOfLine(value) });
  return value;
}
