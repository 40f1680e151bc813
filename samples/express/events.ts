import { addAbortListener } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Subscription } from 'ioredis-azure';

/** Proxies close connections that are silent: Azure App Service after 230 s. */
const KEEP_ALIVE_INTERVAL = 30_000;

/** Sends messages as server-sent events, no faster than the client reads them, until the client has gone or the process stops. */
export async function sendEvents(
  response: Response,
  subscription: Subscription,
  stopping: AbortSignal,
): Promise<void> {
  await using messages = subscription;
  const listener = addAbortListener(stopping, () => void messages.unsubscribe());
  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).flushHeaders();
  const keepAlive = setInterval(() => response.write(':\n\n'), KEEP_ALIVE_INTERVAL);
  try {
    await pipeline(async function* () {
      for await (const { message } of messages) yield `data: ${message}\n\n`;
    }, response);
  } catch (error) {
    // The user has left the page.
    if (!response.destroyed) throw error;
  } finally {
    clearInterval(keepAlive);
    listener[Symbol.dispose]();
  }
}
