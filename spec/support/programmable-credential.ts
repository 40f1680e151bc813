import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';

/** What is answered in place of the token that the identity would give. */
export type Answer = (issue: () => Promise<AccessToken>) => Promise<AccessToken | null>;

/** A credential whose answers a spec decides, in front of one that works. */
export class ProgrammableCredential implements TokenCredential {
  readonly #issuer: TokenCredential;
  #answer: Answer | undefined;
  #underWay = 0;
  #mostAtOnce = 0;

  constructor(issuer: TokenCredential) {
    this.#issuer = issuer;
  }

  /** How many requests have been under way at the same time, at most. */
  get mostAtOnce(): number {
    return this.#mostAtOnce;
  }

  /** From now on requests are answered so. */
  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  /** From now on requests are answered with good tokens. */
  restore(): void {
    this.#answer = undefined;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    const issue = (): Promise<AccessToken> => issueBy(this.#issuer, scopes, options);
    this.#underWay += 1;
    this.#mostAtOnce = Math.max(this.#mostAtOnce, this.#underWay);
    try {
      return await (this.#answer ? this.#answer(issue) : issue());
    } finally {
      this.#underWay -= 1;
    }
  }
}

async function issueBy(
  issuer: TokenCredential,
  scopes: string | string[],
  options?: GetTokenOptions,
): Promise<AccessToken> {
  const token = await issuer.getToken(scopes, options);
  if (!token) throw new Error('the identity gave no token');
  return token;
}
