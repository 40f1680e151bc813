// The plain header of RFC 9110 (10.2.3), and those of Azure's services, which count in milliseconds.
const MILLISECOND_HEADERS = ['retry-after-ms', 'x-ms-retry-after-ms'];
const HEADER = 'retry-after';

/**
 * Milliseconds from now that a response asks to wait before the next request; undefined when it does not say.
 * `error` is any object that holds the response's headers where the Azure SDK, msal or fetch put them.
 */
export function retryAfterOf(error: Readonly<Record<string, unknown>>): number | undefined {
  const response = error['response'];
  const holders = [
    error['headers'],
    error['responseHeaders'],
    typeof response === 'object' && response !== null && 'headers' in response ? response.headers : undefined,
  ];
  for (const headers of holders) {
    for (const name of MILLISECOND_HEADERS) {
      const milliseconds = Number(headerOf(headers, name) ?? NaN);
      if (milliseconds >= 0) return milliseconds;
    }
    const wait = parseRetryAfter(headerOf(headers, HEADER));
    if (wait !== undefined) return wait;
  }
  return undefined;
}

/** Reads a `Retry-After` header: seconds, or the date after which to ask again. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (isHeaderCollection(headers)) {
    const value = headers.get(name);
    return typeof value === 'string' ? value : undefined;
  }
  const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
  const value: unknown = entry?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Fetch's `Headers` and the Azure SDK's `HttpHeaders`, as opposed to a plain object. */
function isHeaderCollection(headers: object): headers is { get(name: string): unknown } {
  return 'get' in headers && typeof headers.get === 'function';
}
