import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

/** Proxies close connections that are silent: Azure App Service after 230 s. */
const KEEP_ALIVE_INTERVAL = 30_000;

/** Sends server-sent events, no faster than the client reads them, until they end or the client has gone. */
export async function sendEvents(
  response: Response,
  messages: AsyncIterable<{ readonly message: string }>,
): Promise<void> {
  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).flushHeaders();
  const keepAlive = setInterval(() => response.write(':\n\n'), KEEP_ALIVE_INTERVAL);
  try {
    await pipeline(format(messages), response);
  } catch (error) {
    if (!hasGone(error)) throw error;
  } finally {
    clearInterval(keepAlive);
  }
}

async function* format(messages: AsyncIterable<{ readonly message: string }>): AsyncGenerator<string> {
  for await (const { message } of messages) yield `data: ${message}\n\n`;
}

/** Whether the client closed the connection, as browsers do when the user leaves the page. */
function hasGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
