export interface Device {
  /** Such as `Firefox on Windows`. */
  readonly name: string;
  readonly kind: 'computer' | 'phone' | 'tablet' | 'unknown';
}

/** Most browsers also claim to be those that come later. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|HeadlessChrome|CriOS)\//],
  ['Safari', /\bSafari\//],
];

const SYSTEMS: readonly (readonly [name: string, kind: Device['kind'], pattern: RegExp])[] = [
  ['iPhone', 'phone', /\biPhone\b/],
  ['iPad', 'tablet', /\biPad\b/],
  ['Android', 'phone', /\bAndroid\b.*\bMobile\b/],
  ['Android', 'tablet', /\bAndroid\b/],
  ['Windows', 'computer', /\bWindows NT\b/],
  ['macOS', 'computer', /\bMacintosh\b/],
  ['ChromeOS', 'computer', /\bCrOS\b/],
  ['Linux', 'computer', /\bLinux\b/],
];

/** What a `User-Agent` header says that it is, for people. It proves nothing: any client can send any header. */
export function deviceOf(userAgent: string): Device {
  const browser = BROWSERS.find(([, pattern]) => pattern.test(userAgent))?.[0];
  const [system, kind] = SYSTEMS.find(([, , pattern]) => pattern.test(userAgent)) ?? [undefined, 'unknown'];
  if (browser && system) return { name: `${browser} on ${system}`, kind };
  // Of programs, such as curl/8.5.0.
  const program = /^[\w.-]{1,30}(?=\/)/.exec(userAgent)?.[0];
  return {
    name: browser ?? system ?? (program === 'Mozilla' ? undefined : program) ?? 'Unknown device',
    kind,
  };
}
