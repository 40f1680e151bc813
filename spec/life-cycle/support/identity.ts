import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { unsignedJwt } from '../../support/jwt.js';
import type { KnownToken } from '../../support/tiny-redis.js';
import { LIFETIME, SECOND } from './times.js';

/** The response time of a slow identity service, in ms. */
const SLOWNESS = 3 * SECOND;

export type Service = 'well' | 'slow' | 'down';

/** An identity whose tokens are numbered, at a service that fails on request. */
export class Identity implements TokenCredential {
  service: Service = 'well';
  /** Since when the service answers, in ms since 1970. */
  wellSince = Date.now();
  readonly tokens = new Map<string, KnownToken>();
  #underWay = 0;
  readonly #violated: (what: string) => void;

  constructor(violated: (what: string) => void) {
    this.#violated = violated;
  }

  change(service: Service): void {
    if (this.service === 'down') this.wellSince = Date.now();
    this.service = service;
  }

  async getToken(): Promise<AccessToken> {
    this.#underWay += 1;
    if (this.#underWay > 1) this.#violated('two token requests at a time');
    try {
      if (this.service === 'down') throw new Error('down');
      if (this.service === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOWNESS));
      return this.#issue();
    } finally {
      this.#underWay -= 1;
    }
  }

  #issue(): AccessToken {
    const number = this.tokens.size + 1;
    const expiresOn = Date.now() + LIFETIME;
    const token = unsignedJwt({ oid: 'me', number, nonce: Math.random() });
    this.tokens.set(token, { number, expiresOn });
    return { token, expiresOnTimestamp: expiresOn };
  }
}
