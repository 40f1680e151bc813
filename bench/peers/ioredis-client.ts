import type { Cluster, Redis } from 'ioredis';
import type { PeerClient, StreamEntry } from './peer.js';

/** A client of ioredis, however it logs in. */
export class IoredisClient implements PeerClient {
  readonly #client: Redis | Cluster;
  readonly #onClose: () => void;

  constructor(client: Redis | Cluster, onClose: () => void = () => undefined) {
    this.#client = client;
    this.#onClose = onClose;
    // The commands that it costs are counted.
    client.on('error', () => undefined);
  }

  get(key: string): Promise<unknown> {
    return this.#client.get(key);
  }

  incr(key: string): Promise<unknown> {
    return this.#client.incr(key);
  }

  pipeline(keys: readonly string[]): Promise<unknown> {
    const pipeline = this.#client.pipeline();
    for (const key of keys) pipeline.get(key);
    return pipeline.exec();
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<unknown> {
    this.#client.on('message', (name: string, message: string) => {
      if (name === channel) listener(message);
    });
    return this.#client.subscribe(channel);
  }

  async pop(queue: string): Promise<string | undefined> {
    return (await this.#client.blpop(queue, 0))?.[1];
  }

  async move(source: string, destination: string): Promise<string | undefined> {
    return (await this.#client.blmove(source, destination, 'LEFT', 'RIGHT', 0)) ?? undefined;
  }

  async readAfter(stream: string, id: string): Promise<readonly StreamEntry[]> {
    const streams = await this.#client.xread('BLOCK', 0, 'STREAMS', stream, id);
    const [, entries] = streams?.[0] ?? [];
    return (entries ?? []).map(([entryId, fields]) => ({ id: entryId, value: fields[1] ?? '' }));
  }

  close(): void {
    this.#onClose();
    this.#client.disconnect();
  }
}
