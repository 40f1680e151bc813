import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A response as the handlers wrote it. */
export interface HeldResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

type Callback = (error?: Error | null) => void;

/**
 * Holds back what handlers write from now on.
 *
 * @returns the response once it is complete, and not sent. `undefined` if it is larger than `maxBodySize`, or is a stream
 *   that sends its headers first: then it passes through, and what has been held is sent.
 */
export function holdResponse(
  response: ServerResponse,
  maxBodySize: number,
): Promise<HeldResponse | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;

    const hold = (chunk: unknown, encoding: unknown): void => {
      if (chunk === undefined || chunk === null || typeof chunk === 'function') return;
      const bytes = bytesOf(chunk, encoding);
      chunks.push(bytes);
      size += bytes.length;
    };
    const release = (): void => {
      for (const name of ['write', 'end', 'writeHead', 'flushHeaders', 'headersSent']) {
        Reflect.deleteProperty(response, name);
      }
    };
    const passThrough = (): boolean => {
      release();
      response.flushHeaders();
      resolve(undefined);
      return chunks.map((chunk) => response.write(chunk)).at(-1) ?? true;
    };

    override(response, {
      write(chunk: unknown, ...rest: unknown[]) {
        hold(chunk, rest[0]);
        const callback = callbackIn(rest);
        if (callback) process.nextTick(callback);
        return size > maxBodySize ? passThrough() : true;
      },
      end(chunk: unknown, ...rest: unknown[]) {
        hold(chunk, rest[0]);
        const callback = callbackIn([chunk, ...rest]);
        if (callback) response.once('finish', callback);
        if (size > maxBodySize) {
          passThrough();
          response.end();
        } else {
          release();
          resolve({
            status: response.statusCode,
            headers: response.getHeaders(),
            body: Buffer.concat(chunks),
          });
        }
        return response;
      },
      writeHead(status: number, ...rest: unknown[]) {
        response.statusCode = status;
        setHeaders(response, rest.at(-1));
        return response;
      },
      flushHeaders() {
        passThrough();
      },
    });
    // What has been written cannot be taken back: an error handler has to cut the connection, as it would without us.
    Object.defineProperty(response, 'headersSent', { configurable: true, get: () => chunks.length > 0 });
  });
}

/** Own properties that hide the methods of the class, until they are deleted. */
function override(response: ServerResponse, methods: Record<string, (...args: never[]) => unknown>): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(response, name, { configurable: true, writable: true, value });
  }
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  if (chunk instanceof Uint8Array) return Buffer.from(chunk);
  throw new TypeError('A chunk of a response must be a string, a Buffer or a Uint8Array.');
}

function callbackIn(args: readonly unknown[]): Callback | undefined {
  return args.find((arg): arg is Callback => typeof arg === 'function');
}

/** Sets headers in either form that `writeHead()` takes: an object, or names and values in turn. */
function setHeaders(response: ServerResponse, headers: unknown): void {
  if (Array.isArray(headers)) {
    const flat: unknown[] = headers.flat();
    for (let index = 0; index + 1 < flat.length; index += 2) {
      response.appendHeader(String(flat[index]), String(flat[index + 1]));
    }
  } else if (typeof headers === 'object' && headers !== null) {
    response.setHeaders(new Map(Object.entries(headers as Record<string, string>)));
  }
}
