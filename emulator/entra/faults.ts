import { setTimeout as delay } from 'node:timers/promises';
import { retryAfterHeader } from '../identity-errors.js';
import { serverFault, throttledTenant } from './entra-error.js';
import { errorReply, type Reply } from './http.js';

type Fault =
  | { readonly kind: 'none' | 'disconnect' | 'silence' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'reply'; readonly reply: Reply };

/** A simulated fault of the service. */
export class Faults {
  #fault: Fault = { kind: 'none' };
  readonly #stopping = new AbortController();

  down(): void {
    this.#fault = { kind: 'disconnect' };
  }

  hanging(): void {
    this.#fault = { kind: 'silence' };
  }

  slow(ms: number): void {
    this.#fault = { kind: 'delay', ms };
  }

  throttling(retryAfter: number | Date): void {
    this.#fault = {
      kind: 'reply',
      reply: { ...errorReply(throttledTenant()), headers: { 'Retry-After': retryAfterHeader(retryAfter) } },
    };
  }

  failing(status: number): void {
    // Gateways in front of Entra answer with their own pages.
    const isGateway = status === 502 || status === 504;
    const reply = isGateway
      ? { status, body: "<html><body><h2>Our services aren't available right now</h2></body></html>" }
      : errorReply(serverFault(status));
    this.#fault = { kind: 'reply', reply };
  }

  restored(): void {
    this.#fault = { kind: 'none' };
  }

  /** Ends the delays in progress. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Applies the current fault to a request; resolves to the reply to send instead, if any. */
  async meet(): Promise<Reply | 'disconnect' | 'silence' | undefined> {
    const fault = this.#fault;
    if (fault.kind === 'reply') return fault.reply;
    if (fault.kind === 'disconnect' || fault.kind === 'silence') return fault.kind;
    if (fault.kind === 'delay') await delay(fault.ms, undefined, { signal: this.#stopping.signal });
    return undefined;
  }
}
