import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import sinon from 'sinon';
import { AzureRedisError } from '../../lib/errors.js';
import { usernameOf } from '../../lib/credentials/token.js';
import { unsignedJwt } from '../support/jwt.js';

function failure(act: () => unknown): AzureRedisError {
  try {
    act();
  } catch (error) {
    if (error instanceof AzureRedisError) return error;
  }
  throw new Error('expected an AzureRedisError');
}

describe('the user name of a token', () => {
  it('is its object id', () => {
    expect(usernameOf(unsignedJwt({ oid: 'an-object-id' }))).to.equal('an-object-id');
  });

  it('is the given string, whatever the token contains', () => {
    expect(usernameOf('opaque', 'alias')).to.equal('alias');
  });

  it('is the return value of the given function of its claims', () => {
    expect(usernameOf(unsignedJwt({ appid: 'app' }), ({ appid }) => String(appid))).to.equal('app');
  });

  it('is required: a token without an object id is rejected', () => {
    const error = failure(() => usernameOf(unsignedJwt({ sub: 'somebody' })));
    expect(error.code).to.equal('TOKEN_INVALID');
    expect(error.message).to.contain('`oid`');
    expect(error.hint).to.contain('`username`');
  });

  it('cannot be read from an invalid token, which the error does not contain', () => {
    for (const text of [
      'no-token-at-all',
      'a.b',
      `x.${Buffer.from('"text"').toString('base64url')}.y`,
      '..',
    ]) {
      const error = failure(() => usernameOf(text));
      expect(error.code).to.equal('TOKEN_INVALID');
      expect(`${error.message} ${error.hint} ${String(error.stack)}`).not.to.contain('no-token-at-all');
      expect(error.cause).to.equal(undefined);
    }
  });

  it('must not be empty', () => {
    expect(failure(() => usernameOf(unsignedJwt({ oid: 'x' }), () => '')).code).to.equal('TOKEN_INVALID');
  });

  it('must not contain spaces or line breaks, which Redis does not allow', () => {
    for (const name of ['a b', 'a\r\nb', ' ']) {
      expect(failure(() => usernameOf(unsignedJwt({ oid: name }), ({ oid }) => String(oid))).code).to.equal(
        'TOKEN_INVALID',
      );
    }
  });

  it('cannot be a promise, whose rejection does not end the process', async () => {
    const unhandled = sinon.stub();
    process.once('unhandledRejection', unhandled);
    const asynchronous = (() => Promise.reject(new Error('x'))) as unknown as () => string;
    expect(failure(() => usernameOf(unsignedJwt({ oid: 'x' }), asynchronous)).code).to.equal('TOKEN_INVALID');
    await setImmediate();
    process.removeListener('unhandledRejection', unhandled);
    expect(unhandled.called).to.equal(false);
  });
});
