import { globalAgent } from 'node:https';
import { rootCertificates } from 'node:tls';

const trusted = new Set<string>();
let before: typeof globalAgent.options.ca;

/** Lets requests of Node's global HTTPS agent trust this authority (PEM), beside those that they trust already. */
export function trust(ca: string): void {
  if (trusted.size === 0) before = globalAgent.options.ca;
  trusted.add(ca);
  apply();
}

/** Ends `trust`. */
export function distrust(ca: string): void {
  if (trusted.delete(ca)) apply();
}

function apply(): void {
  globalAgent.options.ca = trusted.size === 0 ? before : [before ?? [...rootCertificates], ...trusted].flat();
  // Connections that are open were checked by what held before.
  globalAgent.destroy();
}
