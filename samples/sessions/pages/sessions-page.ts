import type { SessionTimeouts } from '../session/session-store.js';
import type { Ticket } from '../session/ticket.js';
import type { ListedSession } from '../session/user-sessions.js';
import { CSRF_FIELD } from '../web/csrf.js';
import { deviceOf } from '../web/device.js';
import { html, type Html } from '../web/html.js';
import { ago, duration, moment } from '../web/times.js';
import { deviceIcon } from './icons.js';
import { layout } from './layout.js';

export interface SessionsPage {
  readonly ticket: Ticket;
  readonly basket: number;
  readonly sessions: readonly ListedSession[];
  /** The handle of the session that shows the page. */
  readonly current: string;
  readonly timeouts: SessionTimeouts;
  readonly csrf: string;
  /** What was done before. */
  readonly notice?: string | undefined;
}

export function sessionsPage(page: SessionsPage): string {
  const { ticket, sessions, csrf, notice } = page;
  const others = sessions.length - 1;
  return layout({
    title: 'Your sessions',
    account: html`<div class="account">
      <span class="avatar" aria-hidden="true">${initialsOf(ticket.displayName)}</span>
      <span class="name">${ticket.displayName}</span>
      <form method="post" action="/sign-out">${hidden(csrf)}<button class="quiet">Sign out</button></form>
    </div>`,
    main: html`<h1>Your sessions</h1>
      <p class="lead">
        ${others === 0 ? 'You are signed in on this device only.' : `You are signed in on ${others + 1} devices.`}
        Sign out any that you do not recognise.
      </p>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      <div class="columns">
        <section class="card" aria-labelledby="devices">
          <h2 id="devices">Devices</h2>
          <ul class="devices">
            ${sessions.map((session) => deviceItem(session, page))}
          </ul>
          <div class="actions">
            ${others > 0 ? endButton('/sessions/end-others', 'Sign out other devices', csrf) : undefined}
            ${endButton('/sessions/end-all', 'Sign out everywhere', csrf, 'danger')}
          </div>
        </section>
        <div class="aside">${ticketCard(page)} ${basketCard(page)}</div>
      </div>`,
  });
}

function deviceItem({ handle, ticket, lastUse }: ListedSession, { current, csrf }: SessionsPage): Html {
  const device = deviceOf(ticket.userAgent);
  const isCurrent = handle === current;
  return html`<li>
    <span class="device">${deviceIcon(device)}</span>
    <div class="facts">
      <h3>${device.name} ${isCurrent ? html`<span class="badge">This device</span>` : undefined}</h3>
      <p>${placeOf(lastUse.address)}, used ${ago(lastUse.at)}</p>
      <p>Signed in ${moment(ticket.signedInAt)}</p>
    </div>
    ${
      isCurrent
        ? undefined
        : html`<form method="post" action="/sessions/end">
            ${hidden(csrf)}<input type="hidden" name="handle" value="${handle}" />
            <button aria-label="Sign out ${device.name}">Sign out</button>
          </form>`
    }
  </li>`;
}

function ticketCard({ ticket, timeouts }: SessionsPage): Html {
  const facts: readonly (readonly [string, string | Html])[] = [
    ['User', ticket.displayName],
    ...Object.entries(ticket.claims),
    ['Signed in', moment(ticket.signedInAt)],
    ['Ends if unused for', duration(timeouts.idle)],
    ['Ends by', moment(ticket.expiresAt)],
  ];
  return html`<section class="card" aria-labelledby="ticket">
    <h2 id="ticket">Ticket</h2>
    <p class="hint">
      It stays on the server: the browser holds a random id, and the cache a hash of that id.
    </p>
    <dl>
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

function basketCard({ basket, csrf }: SessionsPage): Html {
  return html`<section class="card" aria-labelledby="basket">
    <h2 id="basket">Basket</h2>
    <p class="hint">Add items in several tabs at once: none gets lost.</p>
    <form class="basket" method="post" action="/basket">
      ${hidden(csrf)}<output>${basket} ${basket === 1 ? 'item' : 'items'}</output><button>Add an item</button>
    </form>
  </section>`;
}

function endButton(action: string, label: string, csrf: string, style = ''): Html {
  return html`<form method="post" action="${action}">
    ${hidden(csrf)}<button class="${style}">${label}</button>
  </form>`;
}

function hidden(csrf: string): Html {
  return html`<input type="hidden" name="${CSRF_FIELD}" value="${csrf}" />`;
}

function initialsOf(name: string): string {
  return name
    .split(' ')
    .map(([initial = '']) => initial)
    .join('');
}

/** A loopback address says nothing to a user. */
function placeOf(address: string): string {
  if (address === '') return 'Unknown address';
  return address === '::1' || address.startsWith('127.') ? 'This computer' : address;
}
