import type { RequestListener } from 'node:http';
import { serve } from '../../../samples/express/serve.js';

/** A server that closes as those of the samples do. */
export class HttpServer {
  readonly url: string;
  readonly #stopping: AbortController;
  readonly #served: Promise<void>;

  private constructor(url: string, stopping: AbortController, served: Promise<void>) {
    this.url = url;
    this.#stopping = stopping;
    this.#served = served;
  }

  static listen(handler: RequestListener): Promise<HttpServer> {
    const stopping = new AbortController();
    return new Promise((resolve, reject) => {
      const served = serve(handler, {
        port: 0,
        stopping: stopping.signal,
        listening: (url) => {
          // Once `served` has a value.
          setImmediate(() => {
            resolve(new HttpServer(url, stopping, served));
          });
        },
      });
      served.catch(reject);
    });
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#served;
  }
}
