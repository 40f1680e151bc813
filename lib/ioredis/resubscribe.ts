import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisError, type AzureRedisErrorCode } from '../errors.js';
import { messageOf } from '../redaction.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import {
  emitError,
  internals,
  SUBSCRIPTION_KINDS,
  type Client,
  type SubscriptionKind,
  type SubscriptionSet,
} from './client.js';

/** The waits before channels that the server has refused are tried again, in ms. */
const RETRY: Backoff = { minTimeout: 500, maxTimeout: 15_000, factor: 2, randomize: true };

/** How many of the refused channels an error names. */
const NAMED = 3;

/** Called when the subscriptions that a client was given are restored. */
const inherited = new WeakMap<Client, () => void>();

/** The channels that a client is subscribed to, or was before it lost its connection. */
export function subscriptionsOf(client: Client): SubscriptionSet | undefined {
  const { condition, prevCondition } = internals(client);
  for (const state of [condition, prevCondition]) if (state?.subscriber) return state.subscriber;
  return undefined;
}

/**
 * Connects a new client that takes these subscriptions over. They remain its own if it fails before it is subscribed.
 *
 * @param restored Called when the server has accepted all of them.
 */
export function connectWith(client: Client, subscriptions: SubscriptionSet, restored: () => void): void {
  inherited.set(client, restored);
  internals(client).prevCondition = { select: 0, subscriber: subscriptions };
  // The client's events report a failure.
  client.connect().catch(() => undefined);
}

/**
 * Subscribes a client that has become ready to the channels of its last connection, in place of ioredis, which leaves a
 * refusal unhandled and forgets the channel. Call it when the status has changed, before ioredis acts on it.
 *
 * ioredis' own set of channels, which it reads from the connection before, says what the application wants: it holds refused
 * ones too, so that they are tried again on the next connection, and `unsubscribe()` removes them.
 *
 * @returns Resolves when the server has accepted every channel; to `false` if the connection closed before.
 */
export async function resubscribe(client: Client): Promise<boolean> {
  const { condition, prevCondition, options, stream } = internals(client);
  const subscriptions = prevCondition?.subscriber;
  if (!condition || !subscriptions || !options.autoResubscribe || options.monitor) return true;
  const kinds = SUBSCRIPTION_KINDS.filter((kind) => subscriptions.channels(kind).length > 0);
  if (kinds.length === 0) return true;

  prevCondition.subscriber = false;
  // A connection that is subscribed over RESP2 does not accept SELECT.
  if (condition.select !== prevCondition.select) {
    internals(client)
      .select(prevCondition.select)
      .catch((error: unknown) => {
        emitError(client, error);
      });
  }
  condition.subscriber = subscriptions;
  const wanted = (kind: SubscriptionKind) => (): readonly string[] =>
    internals(client).stream === stream ? (subscriptionsOf(client)?.channels(kind) ?? []) : [];
  const accepted = await Promise.all(
    kinds.map((kind) =>
      subscribeUntilAccepted(client, kind, wanted(kind), (error) => {
        emitError(client, error);
      }),
    ),
  );
  if (!accepted.every(Boolean)) return false;
  inherited.get(client)?.();
  return true;
}

/**
 * Subscribes to these channels or patterns; those that the server refuses are tried again, until the connection closes.
 *
 * @param wanted Returns what the application still wants.
 * @param refused Called after each attempt in which the server refused some.
 * @returns Whether the server has accepted all of them before the connection closed.
 */
export async function subscribeUntilAccepted(
  client: Client,
  kind: SubscriptionKind,
  wanted: () => readonly string[],
  refused: (error: AzureRedisError) => void,
): Promise<boolean> {
  const { stream } = internals(client);
  const isOpen = (): boolean => client.status === 'ready' && internals(client).stream === stream;
  let names = wanted();
  for (let attempts = 1; names.length > 0; attempts += 1) {
    const refusals = await subscribe(client, kind, names, isOpen);
    if (!isOpen()) return false;
    if (refusals.length === 0) break;
    refused(subscriptionRefused(refusals));
    await sleep(backoffDelay(attempts, RETRY), undefined, { ref: false });
    if (!isOpen()) return false;
    const still = new Set(wanted());
    names = refusals.map(({ name }) => name).filter((name) => still.has(name));
  }
  return true;
}

/** A channel or pattern that the server refused to subscribe to. */
export interface Refusal {
  readonly kind: SubscriptionKind;
  readonly name: string;
  readonly error: unknown;
}

/** Subscribes to these channels or patterns. Resolves to those that the server refused, as long as the connection is open. */
export async function subscribe(
  client: Client,
  kind: SubscriptionKind,
  names: readonly string[],
  isOpen: () => boolean,
): Promise<Refusal[]> {
  // Shard channels of different slots cannot share a command.
  if (kind !== 'ssubscribe' && names.length > 1) {
    const reply = internals(client)[kind](...names);
    const isAccepted = await reply.then(
      () => true,
      () => false,
    );
    if (isAccepted || !isOpen()) return [];
  }
  // The server refuses all channels of a command if it refuses one of them.
  const replies = names.map(async (name): Promise<Refusal[]> => {
    try {
      await internals(client)[kind](name);
      return [];
    } catch (error) {
      return [{ kind, name, error }];
    }
  });
  return (await Promise.all(replies)).flat();
}

/** The error of channels or patterns that the cache has refused, at least one; `cause` is its reply to the first. */
export function subscriptionRefused(
  refusals: readonly Refusal[],
  code: AzureRedisErrorCode = 'SUBSCRIPTION_REFUSED',
): AzureRedisError {
  const cause = refusals[0]?.error;
  const named = refusals.slice(0, NAMED).map(({ name }) => `"${name}"`);
  const more = refusals.length > NAMED ? ` and ${refusals.length - NAMED} more` : '';
  const message = `The cache refused to subscribe to ${named.join(', ')}${more}: ${messageOf(cause)}`;
  const hint = cause instanceof AzureRedisError ? cause.hint : 'See `cause`, the reply of the cache.';
  return new AzureRedisError(code, message, hint, { cause });
}
