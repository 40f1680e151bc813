import type { Request } from 'express';

/** What was entered in a field of a form; empty if there is no such field. */
export function field({ body }: Request<unknown, unknown, unknown>, name: string): string {
  if (typeof body !== 'object' || body === null) return '';
  const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value;
  return typeof value === 'string' ? value : '';
}
