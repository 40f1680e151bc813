import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { next, until } from '../../support/waiting.js';
import type { SampleProcess } from '../../support/sample-process.js';
import type { AzureEnvironment } from './azure-environment.js';
import { copyOf } from './copies.js';

/** What a sample is, to those who run it. */
export interface SampleKind {
  readonly name: string;
  readonly args?: readonly string[];
  /** What it prints when it is ready; of a server, its address is the group. */
  readonly ready: RegExp;
  /** Of a server: what is requested from it again and again. */
  readonly load?: readonly [method: string, path: string];
  /** Of a server: what answers 503 while commands fail. */
  readonly health?: string;
  /** Of a server: what is answered while there is no cache. Default: 503. */
  readonly withoutCache?: number;
  /** Of a server: what its requests have. */
  readonly headers?: (url: string, sample: SampleProcess) => Promise<Readonly<Record<string, string>>>;
  /** Of a server that answers without the cache as with it: whether it uses the cache, by its answer and its output. */
  readonly usesCache?: (answer: string, output: string) => boolean;
  /** Of other programs: what they print again and again while they work. */
  readonly works?: RegExp;
  /** What it prints at its end. */
  readonly end?: RegExp;
  /** Default: 0 only. */
  readonly exitCodes?: readonly (number | null)[];
  /** How long it may take from SIGTERM to its end, in ms. Default: 6 s. */
  readonly stopsWithin?: number;
}

/** A sample that runs in its copy and is given work. */
export class SampleRun {
  readonly kind: SampleKind;
  readonly #process: SampleProcess;
  #url = '';
  #headers: Readonly<Record<string, string>> = {};
  /** The answers for which the cache was used. */
  #answers = 0;
  #isStopping = false;
  #loading: Promise<unknown> = Promise.resolve();
  /** How many requests were answered with each status. */
  readonly statuses = new Map<number, number>();
  /** Requests without an answer, while it was not asked to stop; and answers that were cut. */
  readonly failures: string[] = [];

  constructor(environment: AzureEnvironment, kind: SampleKind) {
    this.kind = kind;
    const args = ['--prefix', `${kind.name}:`, ...(kind.load ? ['--listen', '0'] : []), ...(kind.args ?? [])];
    this.#process = environment.runIn(copyOf(kind.name), args);
  }

  get output(): string {
    return this.#process.output;
  }

  /** Resolves when it is ready, and works from then on. */
  async start(): Promise<void> {
    this.#url = (await this.#process.printed(this.kind.ready)).replace(
      /\/\/(0\.0\.0\.0|\[::1?\]|127\.0\.0\.1)/,
      '//localhost',
    );
    this.#headers = (await this.kind.headers?.(this.#url, this.#process)) ?? {};
    if (this.kind.load) this.#loading = Promise.all([this.#load(), this.#load()]);
  }

  /** Resolves when it has worked, with the cache, since the call. */
  async works(): Promise<void> {
    const { load, works } = this.kind;
    if (!load && !works) return;
    const before = this.#successes;
    await until(() => this.#successes >= before + 2);
  }

  async health(): Promise<number> {
    return this.kind.health === undefined ? 0 : (await this.#ask('GET', this.kind.health)).status;
  }

  /** Asks it to stop in the middle of its work, and resolves to its exit code and how long it took, in ms. */
  async stop(): Promise<{ readonly exitCode: number | null; readonly duration: number }> {
    this.#isStopping = true;
    const before = performance.now();
    this.#process.signal('SIGTERM');
    const exitCode = await this.#process.exitCode();
    await this.#loading;
    return { exitCode, duration: performance.now() - before };
  }

  get #successes(): number {
    const { works } = this.kind;
    return works ? [...this.output.matchAll(new RegExp(works, 'g'))].length : this.#answers;
  }

  async #load(): Promise<void> {
    const [method, path] = this.kind.load ?? ['GET', '/'];
    for (;;) {
      try {
        const { status, answer } = await this.#ask(method, path);
        if (status < 300 && (this.kind.usesCache?.(answer, this.output) ?? true)) this.#answers += 1;
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      } catch (error) {
        if (this.#isStopping) return;
        this.failures.push(String(error));
      }
      await sleep(20);
    }
  }

  async #ask(method: string, path: string): Promise<{ readonly status: number; readonly answer: string }> {
    const sent = request(this.#url + path, { method, agent: false, headers: this.#headers }).end();
    const response = await next<IncomingMessage>(sent, 'response');
    const body = await text(response).catch((error: unknown) => {
      this.failures.push(`An answer was cut: ${String(error)}`);
      return '';
    });
    return { status: response.statusCode ?? 0, answer: `${response.rawHeaders.join(' ')}\n${body}` };
  }
}
