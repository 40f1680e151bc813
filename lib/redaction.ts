/** The message of anything that was thrown, even if it cannot be read: it may be a Proxy, or have getters that throw. */
export function messageOf(error: unknown): string {
  try {
    return String(isError(error) ? error.message : error);
  } catch {
    return 'an error whose message cannot be read';
  }
}

/** A property of anything that was thrown; `undefined` if it cannot be read. */
export function readField(from: unknown, key: string): unknown {
  try {
    return typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  } catch {
    return undefined;
  }
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
  if (!isError(error)) return reduced;
  for (const key of ['name', 'stack'] as const) {
    const value = readField(error, key);
    if (typeof value === 'string') reduced[key] = withoutTokens(value);
  }
  for (const key of ['code', 'statusCode', 'errorCode', 'subError', 'correlationId'] as const) {
    const value = readField(error, key);
    if (typeof value === 'string' || typeof value === 'number') {
      Object.defineProperty(reduced, key, { value, enumerable: true });
    }
  }
  // Limited, since a cause may refer to itself.
  const cause = readField(error, 'cause');
  if (cause !== undefined && depth < MAX_CAUSES) reduced.cause = withoutSecrets(cause, depth + 1);
  return reduced;
}

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false; // A revoked Proxy.
  }
}
