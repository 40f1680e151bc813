export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Text without anything that looks like a JSON Web Token. */
export function withoutTokens(text: string): string {
  return text.replaceAll(/eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '<token>');
}

/**
 * What the identity library threw, reduced to what tells the reason. Its errors may carry the request, in whose body
 * the client secret stands.
 */
export function withoutSecrets(error: unknown): Error {
  const reduced = new Error(withoutTokens(messageOf(error)));
  if (!(error instanceof Error)) return reduced;
  reduced.name = error.name;
  reduced.stack = withoutTokens(error.stack ?? '');
  for (const key of ['code', 'statusCode', 'errorCode', 'subError', 'correlationId'] as const) {
    const value: unknown = Reflect.get(error, key);
    if (typeof value === 'string' || typeof value === 'number') {
      Object.defineProperty(reduced, key, { value, enumerable: true });
    }
  }
  if (error.cause !== undefined) reduced.cause = withoutSecrets(error.cause);
  return reduced;
}
