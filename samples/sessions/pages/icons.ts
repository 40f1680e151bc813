import { html, type Html } from '../web/html.js';
import type { Device } from '../web/device.js';

/** Decoration: the name of the device stands beside it. */
function icon(shapes: Html): Html {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shapes}</svg>`;
}

const DEVICES: Readonly<Record<Device['kind'], Html>> = {
  computer: icon(html`<rect x="4" y="5" width="16" height="11" rx="1.5" /><path d="M2 19.5h20" />`),
  phone: icon(html`<rect x="7" y="2.5" width="10" height="19" rx="2" /><path d="M11 18.5h2" />`),
  tablet: icon(html`<rect x="4.5" y="3" width="15" height="18" rx="2" /><path d="M11 18h2" />`),
  unknown: icon(
    html`<circle cx="12" cy="12" r="9" /><path
        d="M9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.4v.6M12 16.8v.2"
      />`,
  ),
};

export function deviceIcon({ kind }: Device): Html {
  return DEVICES[kind];
}
