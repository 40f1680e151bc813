import { randomBytes } from 'node:crypto';
import type { AccessPolicy } from './access-policy.js';
import type { LoginAttempt } from './login.js';
import { DEFAULT_USER } from './login.js';
import type { TokenAuthority } from './tokens.js';

/** An accepted login: the password to send to the server, and its expiry (ms since 1970), if any. */
export interface Granted {
  readonly granted: true;
  readonly password: string;
  readonly expiresOn: number | undefined;
}

export interface Denied {
  readonly granted: false;
  /** The reason, which contains nothing of the token. */
  readonly reason: string;
}

export function newAccessKey(): string {
  return randomBytes(32).toString('base64');
}

/** The access key of the cache, and the password of the server's default user, as which it logs in. */
export interface AccessKey {
  readonly text: string;
  readonly serverPassword: string;
}

// The messages of jose are not passed on: only these are known to contain nothing of a token.
const REASONS = new Map([
  ['ERR_JWT_EXPIRED', 'the token has expired'],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'the token is not signed by this Entra'],
]);
const CLAIMS = new Map([
  ['aud', 'the token is for another audience'],
  ['iss', 'the token is of another issuer'],
  ['nbf', 'the token is not valid yet'],
  ['oid', 'the token has no oid'],
  ['exp', 'the token has no expiry'],
]);

function reasonOf(error: unknown): string {
  const unknown = 'the password is not a valid token';
  if (!(error instanceof Error)) return unknown;
  const code = 'code' in error ? String(error.code) : '';
  const claim = 'claim' in error ? String(error.claim) : '';
  return REASONS.get(code) ?? CLAIMS.get(claim) ?? unknown;
}

function deny(reason: string): Denied {
  return { granted: false, reason };
}

/** Validates logins as Azure Redis does. */
export class LoginCheck {
  readonly #tokens: TokenAuthority;
  readonly #policy: AccessPolicy;
  readonly #accessKey: () => AccessKey;
  /** Rejects every login. */
  refusesLogins = false;
  /** Rejects every login by HELLO. */
  refusesHello = false;

  constructor(tokens: TokenAuthority, policy: AccessPolicy, accessKey: () => AccessKey) {
    this.#tokens = tokens;
    this.#policy = policy;
    this.#accessKey = accessKey;
  }

  /** Never rejects. */
  async check({ method, user, password, wellFormed }: LoginAttempt): Promise<Granted | Denied> {
    if (!wellFormed) return deny(`the ${method} is malformed`);
    if (this.refusesLogins) return deny('logins are refused');
    if (this.refusesHello && method === 'HELLO') return deny('logins by HELLO are refused');
    if (user === DEFAULT_USER) return this.#checkKey(password);
    try {
      const { oid, exp } = await this.#tokens.verify(password);
      if (oid !== user) return deny('the user name is not the oid of the token');
      const serverPassword = await this.#policy.passwordOf(user);
      if (serverPassword === undefined) return deny(this.#policy.reasonOf(user));
      return { granted: true, password: serverPassword, expiresOn: Math.round(exp * 1000) };
    } catch (error) {
      return deny(reasonOf(error));
    }
  }

  #checkKey(key: string): Granted | Denied {
    const { text, serverPassword } = this.#accessKey();
    if (key !== text) return deny('the access key is wrong');
    return { granted: true, password: serverPassword, expiresOn: undefined };
  }
}
