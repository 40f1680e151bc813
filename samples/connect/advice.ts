import { AzureRedisError } from 'ioredis-azure';

const ADVICE: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  { pattern: /^NOPERM/, advice: 'Assign an access policy that permits this command to the identity.' },
  { pattern: /^MOVED/, advice: 'The cache is a cluster: add --cluster.' },
  { pattern: /^LOADING/, advice: 'The server loads its data: it is ready by itself after a while.' },
  { pattern: /^OOM/, advice: 'The cache is full: choose a larger one, or set an eviction policy.' },
  { pattern: /^READONLY/, advice: 'A failover is under way: the connection is restored by itself.' },
  {
    pattern: /timed out/i,
    advice: 'Check the load of the cache, and firewalls between it and this machine.',
  },
  {
    pattern: /ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|Connection is closed|max retries/i,
    advice: 'Check host, port, firewall rules and private endpoints of the cache. It is retried.',
  },
];

/** What an error says, and what to do about it. */
export function explain(error: unknown): string {
  if (error instanceof AzureRedisError) return `${error.code}: ${error.message}\n  ${error.hint}`;
  const message = error instanceof Error ? error.message : String(error);
  const known = ADVICE.find(({ pattern }) => pattern.test(message));
  return known ? `${message}\n  ${known.advice}` : message;
}
