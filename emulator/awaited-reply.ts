import type { Command } from './resp/command-framer.js';

/** What a connection can be subscribed to. */
export type Subscriptions = 'channel' | 'pattern' | 'shardChannel';

/** A command whose reply is pending. */
export type Awaited<Login> =
  | { readonly kind: 'plain'; count: number }
  | { readonly kind: 'blocking' | 'multi' | 'exec' | 'discard' | 'reset' | 'monitor' | 'hello' }
  | { readonly kind: 'silence' | 'skip' | 'speak' }
  | { readonly kind: 'login'; readonly login: Login; readonly passed: boolean }
  | { readonly kind: 'subscription'; readonly name: string; answersLeft: number | undefined };

/** The commands that change subscriptions, by their names in lower case. */
export const SUBSCRIPTIONS = new Map<string, Subscriptions>([
  ['subscribe', 'channel'],
  ['unsubscribe', 'channel'],
  ['psubscribe', 'pattern'],
  ['punsubscribe', 'pattern'],
  ['ssubscribe', 'shardChannel'],
  ['sunsubscribe', 'shardChannel'],
]);

const BLOCKING = new Set([
  'blpop',
  'brpop',
  'brpoplpush',
  'blmove',
  'blmpop',
  'bzpopmin',
  'bzpopmax',
  'bzmpop',
  'xread',
  'xreadgroup',
  'wait',
  'waitaof',
]);

/** Commands that change the shape of the reply to EXEC when they are part of the transaction. */
export const RESHAPES_EXEC = new Set(['subscription', 'silence', 'skip', 'speak', 'monitor']);

/** The reply to expect for a command that is not a login. */
export function awaitedReply({ name, count }: Command): Awaited<never> {
  switch (name) {
    case 'multi':
    case 'exec':
    case 'discard':
    case 'reset':
    case 'monitor':
    case 'hello':
      return { kind: name };
    default:
  }
  if (SUBSCRIPTIONS.has(name)) {
    return { kind: 'subscription', name, answersLeft: count > 1 ? count - 1 : undefined };
  }
  return BLOCKING.has(name) ? { kind: 'blocking' } : { kind: 'plain', count: 1 };
}
