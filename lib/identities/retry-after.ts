// The headers of Azure services, in milliseconds, and the standard one (RFC 9110, 10.2.3).
const MILLISECOND_HEADERS = ['retry-after-ms', 'x-ms-retry-after-ms'];
const HEADER = 'retry-after';

/**
 * The time until the service accepts the next request, in ms; `undefined` if the response does not state it.
 *
 * @param error Any object with the headers of the response where the Azure SDK, msal or fetch put them.
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

/** Parses a `Retry-After` header, in seconds or as a date, to a time from now in ms. */
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
