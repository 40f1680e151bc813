/** The message of anything that was thrown, even if it cannot be read: it may be a Proxy, or have getters that throw. */
export function messageOf(error: unknown): string {
  try {
    return String(isError(error) ? error.message || descriptionOf(error) : error);
  } catch {
    return 'an error whose message cannot be read';
  }
}

/** Says what an error without a message is: that of Node.js for a host none of whose addresses answers has one error for each. */
function descriptionOf(error: Error): string {
  // The messages alone: an error may be among its own errors.
  const messages = [readField(error, 'errors')]
    .flat()
    .map((each) => readField(each, 'message'))
    .filter((message) => typeof message === 'string' && message !== '');
  if (messages.length > 0) return messages.join(', ');
  const code = readField(error, 'code');
  return typeof code === 'string' ? code : error.name;
}

/** The text without anything that looks like a JSON Web Token. */
export function withoutTokens(text: string): string {
  // Whole runs of characters, each searched once: an expression for a token would try every `eyJ` up to the end of its run.
  return text.replaceAll(/[\w.-]+/g, (run) => {
    const start = run.indexOf('eyJ');
    const isToken = start >= 0 && /\.[\w-]/.test(run.slice(start));
    return isToken ? `${run.slice(0, start)}<token>` : run;
  });
}

/** `client_secret=…` of a form, `"access_token": "…"` of JSON. */
const NAMED_SECRET = /((?:token|key|secret|password|assertion)["']?\s*(?:=|:\s*["'])\s*)[^\s"'&]+/gi;

/** A private key in PEM format, up to its end or that of the text. */
const PRIVATE_KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|$)/gs;

/** A client secret of Entra, as it is or in a form. */
const CLIENT_SECRET = /[\w.~-]{3}\dQ(?:~|%7E)[\w.~%-]{31,}/g;

/** Random text in base64, as it is or in a URL, or in base64url: access keys have 44 characters, opaque tokens hundreds. */
const RANDOM_TEXT = /(?:[A-Za-z0-9+/]|%[0-9A-Fa-f]{2}){32,}={0,2}|[\w-]{32,}/g;

/**
 * A text of foreign code, without anything that is a secret or could be one.
 *
 * @param secrets Secrets that the code may quote.
 */
export function redacted(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const form of [secret, encodeURIComponent(secret)]) shown = shown.replaceAll(form, '<hidden>');
  }
  return withoutTokens(shown)
    .replaceAll(PRIVATE_KEY, '$1<hidden>')
    .replaceAll(CLIENT_SECRET, '<hidden>')
    .replaceAll(NAMED_SECRET, '$1<hidden>')
    .replaceAll(RANDOM_TEXT, (run) => (isRandom(run) ? '<hidden>' : run));
}

/** Unlike ids, names and paths, random text is padded, or has digits, and letters of both cases. */
function isRandom(run: string): boolean {
  return run.endsWith('=') || (/\d/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run));
}

const MAX_CAUSES = 8;

/**
 * An error of foreign code, reduced to what explains the failure. Such an error may hold the request, whose body contains
 * the client secret.
 *
 * @param secrets Secrets that the code may quote.
 */
export function withoutSecrets(error: unknown, secrets: readonly string[] = [], depth = 0): Error {
  const reduced = new Error(redacted(messageOf(error), secrets));
  if (!isError(error)) return reduced;
  for (const key of ['name', 'stack', 'code', 'statusCode', 'errorCode', 'subError', 'correlationId']) {
    const value = readField(error, key);
    if (typeof value === 'number') Reflect.set(reduced, key, value);
    if (typeof value === 'string') Reflect.set(reduced, key, redacted(value, secrets));
  }
  // Limited, since a cause may refer to itself.
  const cause = readField(error, 'cause');
  if (cause !== undefined && depth < MAX_CAUSES) reduced.cause = withoutSecrets(cause, secrets, depth + 1);
  return reduced;
}

/** A property of anything that was thrown or received; `undefined` if it cannot be read. */
export function readField(from: unknown, key: string): unknown {
  try {
    return typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  } catch {
    return undefined;
  }
}

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false; // A revoked Proxy.
  }
}
