import { html, type Html } from './html.js';

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const ABSOLUTE = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});

interface Unit {
  readonly name: 'day' | 'hour' | 'minute' | 'second';
  /** In ms. */
  readonly length: number;
}

const SECOND: Unit = { name: 'second', length: 1000 };
const UNITS: readonly Unit[] = [
  { name: 'day', length: 86_400_000 },
  { name: 'hour', length: 3_600_000 },
  { name: 'minute', length: 60_000 },
];

/** Such as `5 minutes ago`. */
export function ago(time: number): Html {
  const passed = Date.now() - time;
  const unit = UNITS.find(({ length }) => passed >= length);
  const text = unit ? RELATIVE.format(-Math.floor(passed / unit.length), unit.name) : 'just now';
  return html`<time datetime="${iso(time)}">${text}</time>`;
}

/** Such as `25 Nov 2026, 22:40 UTC`. */
export function moment(time: number): Html {
  return html`<time datetime="${iso(time)}">${ABSOLUTE.format(time)} UTC</time>`;
}

/** Such as `30 minutes`, in the longest unit that needs no fraction. */
export function duration(ms: number): string {
  const { name, length } = UNITS.find((unit) => ms >= unit.length && ms % unit.length === 0) ?? SECOND;
  const count = Math.ceil(ms / length);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
