import { SUBSCRIPTION_KINDS, type SubscriptionKind } from './channels.js';
import { ConnectionLost, type SubscriberConnection } from './subscriber-connection.js';
import type { Subscriptions } from './subscriptions.js';

/**
 * Subscribes a connection to every channel and pattern in use.
 *
 * @param refused Called with the error of each channel that the server rejects, for example after a change of the role.
 * @throws ConnectionLost
 */
export async function resubscribe(
  connection: SubscriberConnection,
  subscriptions: Subscriptions,
  refused: (error: unknown) => void,
): Promise<void> {
  await Promise.all(
    SUBSCRIPTION_KINDS.map((kind) => subscribeToEach(connection, kind, subscriptions.wanted(kind), refused)),
  );
}

/** The server rejects all channels if it rejects one of them: after a rejection each is subscribed separately. */
async function subscribeToEach(
  connection: SubscriberConnection,
  kind: SubscriptionKind,
  names: readonly string[],
  refused: (error: unknown) => void,
): Promise<void> {
  try {
    await connection.subscribe(kind, names);
  } catch (error) {
    if (error instanceof ConnectionLost) throw error;
    for (const name of names) {
      await connection.subscribe(kind, [name]).catch((refusal: unknown) => {
        if (refusal instanceof ConnectionLost) throw refusal;
        refused(refusal);
      });
    }
  }
}
