import type { Delivery } from '../connection/events.js';
import type { SubscriberConnection } from './subscriber-connection.js';

/** Whether a connection has received everything published so far, some of which may be in transit or lost with it. */
export function hasReceivedAll(connection: SubscriberConnection): Promise<boolean> {
  return connection.drain().then(
    () => true,
    () => false,
  );
}

export function isSameNode(old: SubscriberConnection, next: SubscriberConnection): boolean {
  return old.endpoint === next.endpoint;
}

/** Another node may lag behind, and deliver recent messages again. */
export function deliveryAcrossGap(old: SubscriberConnection, next: SubscriberConnection): Delivery {
  return isSameNode(old, next) ? 'at-most-once' : 'best-effort';
}
