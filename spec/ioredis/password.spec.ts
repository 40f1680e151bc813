import { inspect } from 'node:util';
import { expect } from 'chai';
import { createPassword } from '../../lib/ioredis/tracking.js';

describe('the password function', () => {
  it('returns the current token, when called and as a string', () => {
    let current = 'first';
    const password = createPassword(
      () => current,
      () => undefined,
    );
    expect([String(password), password.toString(), password()]).to.deep.equal(['first', 'first', 'first']);
    current = 'second';
    expect(String(password)).to.equal('second');
  });

  it('shows nothing when inspected or serialised', () => {
    const password = createPassword(
      () => 'the-secret',
      () => undefined,
    );
    expect(inspect({ password }, { showHidden: true, depth: 9 })).not.to.contain('the-secret');
    expect(JSON.stringify({ password })).not.to.contain('the-secret');
  });
});
