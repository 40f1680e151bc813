import { globalAgent } from 'node:https';
import { rootCertificates } from 'node:tls';

const trusted = new Set<string>();
let before: typeof globalAgent.options.ca;

/** Makes Node's global HTTPS agent trust this authority (PEM) in addition to those that it trusts already. */
export function trust(ca: string): void {
  if (trusted.size === 0) before = globalAgent.options.ca;
  trusted.add(ca);
  apply();
}

/** Reverses `trust()`. */
export function distrust(ca: string): void {
  if (trusted.delete(ca)) apply();
}

function apply(): void {
  globalAgent.options.ca = trusted.size === 0 ? before : [before ?? [...rootCertificates], ...trusted].flat();
  // Open connections were verified with the previous authorities.
  globalAgent.destroy();
}
