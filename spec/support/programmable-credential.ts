import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';

/** A reply that replaces the token of the identity. */
export type Answer = (issue: () => Promise<AccessToken>) => Promise<AccessToken | null>;

/** A credential whose replies a spec controls, in front of one that works. */
export class ProgrammableCredential implements TokenCredential {
  readonly #issuer: TokenCredential;
  #answer: Answer | undefined;
  #underWay = 0;
  #mostAtOnce = 0;

  constructor(issuer: TokenCredential) {
    this.#issuer = issuer;
  }

  /** The highest number of concurrent requests. */
  get mostAtOnce(): number {
    return this.#mostAtOnce;
  }

  /** Answers requests with this reply from now on. */
  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  /** Answers requests with valid tokens from now on. */
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
