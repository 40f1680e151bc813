import type { AccessToken } from '@azure/core-auth';
import { expect } from 'chai';
import { requestToken } from '../../lib/credentials/token-request.js';
import { classifyIdentityError } from '../../lib/identities/identity-errors.js';
import { unsignedJwt } from '../support/jwt.js';
import { rejection } from '../support/rejection.js';

function sourceOf(getToken: () => Promise<AccessToken>): Parameters<typeof requestToken>[0] {
  return { credential: { getToken }, scope: 'scope', classifyError: classifyIdentityError };
}

function withGetter<Target extends object>(target: Target, key: string): Target {
  return Object.defineProperty(target, key, {
    enumerable: true,
    get() {
      throw new Error('a getter that throws');
    },
  });
}

function thrower(): never {
  throw new Error('a trap that throws');
}

function nested(depth: number): Error {
  let error = new Error('root');
  for (let level = 0; level < depth; level += 1) error = new Error('outer', { cause: error });
  return error;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('an error of a credential that cannot be read', () => {
  const ERRORS: readonly (readonly [what: string, error: unknown])[] = [
    ...['cause', 'message', 'name', 'stack', 'code', 'statusCode', 'response', 'errors'].map(
      (key) => [`has a getter of \`${key}\` that throws`, withGetter(new Error('original'), key)] as const,
    ),
    ['has headers that throw', Object.assign(new Error('x'), { headers: { get: thrower } })],
    ['has a message that is no string', Object.assign(new Error('x'), { message: { toString: thrower } })],
    ['has no prototype', Object.create(null)],
    ['is a Proxy whose traps throw', new Proxy(new Error('x'), { get: thrower, ownKeys: thrower })],
    ['is a revoked Proxy', revoked()],
    ['has 20,000 causes', nested(20_000)],
  ];
  for (const [what, thrown] of ERRORS) {
    it(`is reported as TOKEN_UNAVAILABLE when it ${what}`, async () => {
      const source = sourceOf(() => {
        throw thrown;
      });
      const error = await rejection(requestToken(source, 5_000));
      expect(error.code).to.equal('TOKEN_UNAVAILABLE');
      expect(error.cause).to.be.instanceOf(Error);
    });
  }
});

describe('an answer of a credential that cannot be used', () => {
  const expiresOnTimestamp = Date.now() + 60_000;

  for (const key of ['token', 'expiresOnTimestamp', 'refreshAfterTimestamp']) {
    it(`is reported as TOKEN_UNAVAILABLE when its getter of \`${key}\` throws`, async () => {
      const answer = withGetter({ token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp }, key);
      const error = await rejection(
        requestToken(
          sourceOf(() => Promise.resolve(answer)),
          1_000,
        ),
      );
      expect(error.code).to.equal('TOKEN_UNAVAILABLE');
      expect(error.message).to.contain('a getter that throws');
    });
  }

  for (const [what, before, after] of [
    ['ends with a line break', '', '\n'],
    ['ends with CRLF', '', '\r\n'],
    ['begins with a line break', '\n', ''],
    ['begins with Bearer and a space', 'Bearer ', ''],
    ['contains a character that is not ASCII', '', 'é'],
    ['contains NUL', '', '\0'],
  ] as const) {
    it(`is reported as TOKEN_INVALID when its token ${what}`, async () => {
      const token = `${before}${unsignedJwt({ oid: 'me' })}${after}`;
      const error = await rejection(
        requestToken(
          sourceOf(() => Promise.resolve({ token, expiresOnTimestamp })),
          1_000,
        ),
      );
      expect(error.code).to.equal('TOKEN_INVALID');
      expect(error.message).to.contain('line break').and.not.contain(token.trim());
    });
  }
});
