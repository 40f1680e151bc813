import type { SessionData } from 'express-session';

/** Who is signed in, since when and from where. It is kept in the session, and never leaves the server. */
export interface Ticket {
  readonly userId: string;
  readonly displayName: string;
  readonly claims: Readonly<Record<string, string>>;
  /** In ms since 1970, as are all times here. */
  readonly signedInAt: number;
  /** When the session ends, however much it is used. */
  readonly expiresAt: number;
  /** What the browser says that it is. */
  readonly userAgent: string;
  /** From where the user signed in. */
  readonly address: string;
}

/** When and from where a session was used last. */
export interface LastUse {
  readonly at: number;
  readonly address: string;
}

declare module 'express-session' {
  interface SessionData {
    ticket: Ticket;
    /** The number of items in the basket: it stands for what your application keeps in a session. */
    basket: number;
  }
}

/** Nothing for what cannot be read, such as a session of an older version of the service: its user is signed out. */
export function parseSession(text: string | null | undefined): SessionData | null {
  try {
    const session = JSON.parse(text ?? 'null') as SessionData | null;
    const { userId, displayName, claims, signedInAt, expiresAt, userAgent, address } = session?.ticket ?? {};
    const texts = [userId, displayName, userAgent, address];
    const isReadable =
      texts.every((one) => typeof one === 'string') &&
      [signedInAt, expiresAt].every(Number.isFinite) &&
      typeof claims === 'object' &&
      typeof session?.cookie === 'object';
    return isReadable ? session : null;
  } catch {
    return null;
  }
}

/** The sign-in, in place of a use that cannot be read. */
export function parseUse(text: string, { signedInAt, address }: Ticket): LastUse {
  try {
    const use = JSON.parse(text) as Partial<LastUse> | null;
    if (Number.isFinite(use?.at) && typeof use?.address === 'string') return use as LastUse;
  } catch {
    // As below.
  }
  return { at: signedInAt, address };
}
