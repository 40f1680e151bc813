import { expect } from 'chai';
import { Multiplexer } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { Multiplexers } from './support/multiplexers.js';

describe('a Multiplexer', () => {
  it('cannot be constructed directly', () => {
    // The constructor is private in TypeScript only.
    const construct = (): unknown => Reflect.construct(Multiplexer, []);
    expect(construct)
      .to.throw(/cannot be constructed directly/)
      .with.property('code', 'INVALID_OPTION');
  });
});

describe('publish()', () => {
  const multiplexers = Multiplexers.forAll();

  it('rejects what is no message', async () => {
    const multiplexer = await multiplexers.connect();
    for (const message of [undefined, null, {}, 5, ['a']] as never[]) {
      const error = await rejection(multiplexer.publish('news', message));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.contain('`message` must be a string or a Buffer');
    }
    expect((await rejection(multiplexer.publish(undefined as never, 'hello'))).code).to.equal(
      'INVALID_OPTION',
    );
    expect(await multiplexer.publish('news', Buffer.from('bytes'))).to.equal(0);
  });
});

describe('subscribe()', () => {
  const multiplexers = Multiplexers.forAll();

  it('rejects invalid arguments', async () => {
    const multiplexer = await multiplexers.connect();
    // JavaScript callers have no types.
    for (const channels of [[], '', ['news', ''], undefined, 5, null, {}] as never[]) {
      expect((await rejection(multiplexer.subscribe(channels))).code).to.equal('INVALID_OPTION');
    }
    const listener = (): void => undefined;
    for (const [args, message] of [
      [[{ bufferSize: 0 }], /`bufferSize` must be a number from 1, got 0/],
      [[{ bufferSize: '10' }], /`bufferSize` must be a number from 1, got '10'/],
      [[{ buffers: 'yes' }], /`buffers` must be true or false/],
      [[{ buffer: true }], /`options` has no field `buffer`/],
      [[listener, { buffer: true }], /`options` has no field `buffer`/],
      [[{ buffers: true }, listener], /`subscribe\(\)` got an object before its last argument/],
      [['listener'], /`listener` must be a function/],
      [[null], /`options` must be an object, got null/],
    ] as const) {
      const error = await rejection(multiplexer.subscribe('news', ...(args as never)));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.match(message);
    }
  });
});
