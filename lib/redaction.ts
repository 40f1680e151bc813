export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The text without anything that looks like a JSON Web Token. */
export function withoutTokens(text: string): string {
  return text.replaceAll(/eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '<token>');
}

const MAX_CAUSES = 8;

/**
 * An error of an identity library, reduced to the properties that explain the failure. Such an error may hold the request,
 * whose body contains the client secret.
 */
export function withoutSecrets(error: unknown, depth = 0): Error {
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
  // Limited, since a cause may refer to itself.
  if (error.cause !== undefined && depth < MAX_CAUSES) reduced.cause = withoutSecrets(error.cause, depth + 1);
  return reduced;
}
