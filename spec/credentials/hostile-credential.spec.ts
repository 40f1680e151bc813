import { createHash, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import type { AccessToken } from '@azure/core-auth';
import { expect } from 'chai';
import { AccessKeyProvider } from '../../lib/credentials/access-key.js';
import { TokenCycle } from '../../lib/credentials/token-cycle.js';
import { requestToken } from '../../lib/credentials/token.js';
import { redacted } from '../../lib/redaction.js';
import { unsignedJwt } from '../support/jwt.js';
import { rejection } from '../support/rejection.js';
import { SETTINGS } from './support/cycles.js';

function sourceOf(getToken: () => Promise<AccessToken>): Parameters<typeof requestToken>[0] {
  return { credential: { getToken }, scope: 'scope' };
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

describe('a secret in the text of an error of foreign code', () => {
  const KEY = createHash('sha256').update('key').digest('base64');
  const settings = { acquireTimeout: 1_000, retry: { ...SETTINGS.retry, retries: 0 } };

  function shown(value: unknown): string {
    return inspect(value, { depth: 9, showHidden: true });
  }

  /** An error that quotes a secret wherever it can. */
  function quoting(secret: string): Error {
    const inner = new Error(`inner: ${secret}`);
    return Object.assign(new Error(`outer: <<${secret}>>, ${encodeURIComponent(secret)}`, { cause: inner }), {
      code: `E-${secret}`,
      request: { body: secret },
    });
  }

  it('is hidden when the credential quotes its last token, also an opaque one', async () => {
    let answer = (): Promise<AccessToken> =>
      Promise.resolve({ token: 'opaque+token', expiresOnTimestamp: Date.now() + 60_000 });
    const source = { ...sourceOf(() => answer()), username: 'me' };
    const cycle = await TokenCycle.start((timeout, secrets) => requestToken(source, timeout, secrets), {
      ...SETTINGS,
      ...settings,
    });
    answer = () => Promise.reject(quoting('opaque+token'));
    const error = await rejection(cycle.refresh());
    expect(shown(error)).to.contain('outer: <<<hidden>>>').and.contain('inner: <hidden>');
    expect(shown(error)).not.to.match(/opaque(\+|%2B)token/);
  });

  it('is hidden when the `accessKey` function quotes a key, also one that has never been used', async () => {
    const error = await rejection(
      AccessKeyProvider.start(() => Promise.reject(quoting(KEY)), 'default', settings),
    );
    expect(shown(error)).to.contain('outer: <<<hidden>>>').and.not.contain(KEY.slice(0, 20));
  });

  it('is hidden when the `accessKey` function quotes its last key, which may be short', async () => {
    let key = (): string => 'hunter2';
    const provider = await AccessKeyProvider.start(() => key(), 'default', settings);
    key = () => {
      throw quoting('hunter2');
    };
    expect(shown(await rejection(provider.refresh())))
      .to.contain('<hidden>')
      .and.not.contain('hunter2');
  });

  for (const [what, text] of [
    ['a JSON Web Token', unsignedJwt({ oid: 'me' })],
    ['a JSON Web Token in a word', `x_${unsignedJwt({ oid: 'me' })}.rest`],
    ['a form', 'grant_type=a&client_secret=hunter2&scope=b'],
    ['JSON', '{"access_token": "hunter2", "key":"hunter2"}'],
    ['an access key', KEY],
    ['a client secret of Entra', 'kS98Q~P2vXz.Yb1-c_dEfGhIjKlMnOpQrStUvWxY'],
    ['a client secret of Entra in a form', 'kS98Q%7EP2vXz.Yb1-c_dEfGhIjKlMnOpQrStUvWxY'],
    ['an opaque token', createHash('sha512').update('token').digest('base64url')],
  ] as const) {
    it(`is hidden when it is recognisable: ${what}`, () => {
      const hidden = redacted(`before ${text} after`);
      expect(hidden).to.match(/^before .*after$/);
      expect(hidden).not.to.contain('hunter2').and.not.contain(text);
    });
  }

  it('is hidden when it is a private key, to its short last line, in any spelling of the line breaks', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const lines = pem.split('\n').filter((line) => line !== '' && !line.includes('-----'));
    for (const text of [
      pem,
      JSON.stringify(pem),
      pem.replaceAll('\n', ' '),
      pem.replace(/-----END.*/s, ''),
    ]) {
      const hidden = redacted(`before ${text}`);
      expect(lines.filter((line) => hidden.includes(line))).to.deep.equal([]);
      expect(hidden).to.match(/^before .*BEGIN PRIVATE KEY-----<hidden>/);
    }
  });

  it('leaves what explains the failure', () => {
    for (const text of [
      "AADSTS700016: Application with identifier '00000000-0000-0000-0000-0000000000ab' was not found. Trace ID: 9f1c4a52-77aa-4d7a-8a3c-f12b6a2b9d00",
      'connect ECONNREFUSED 127.0.0.1:443, see https://aka.ms/azsdk/js/identity/managedidentitycredential/troubleshoot',
      'at readKey (file:///home/app/node_modules/ioredis-azure/dist/index.cjs:12:34)',
      'the token request failed: no key for my-cache.westeurope.redis.azure.net',
    ]) {
      expect(redacted(text)).to.equal(text);
    }
  });

  for (const text of [
    'eyJ',
    'eyJ.',
    'a',
    'aB1',
    'token=',
    'token: ',
    'key"',
    '-',
    '+/',
    '%2F',
    '%',
    'aaa8Q~',
    '-----BEGIN PRIVATE KEY-----',
  ]) {
    it(`is looked for in linear time: ${JSON.stringify(text)}, 500 KB of it`, () => {
      const long = text.repeat(500_000 / text.length);
      const startedAt = performance.now();
      redacted(long, ['secret']);
      // In quadratic time it takes minutes.
      expect(performance.now() - startedAt).to.be.below(10_000);
    });
  }
});
