import { connect } from 'node:net';
import { expect } from 'chai';
import { connectionFailed } from '../lib/multiplexer/client-lifecycle.js';
import { messageOf } from '../lib/redaction.js';
import { freePort } from '../emulator/ports.js';
import { next } from './support/waiting.js';

/** The error of Node.js for a host with two addresses, neither of which answers. It has no message. */
async function unreachable(): Promise<AggregateError> {
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const socket = connect({
    host: 'cache.example',
    port: await freePort(),
    autoSelectFamily: true,
    lookup: (_host, _options, found) => {
      found(null, addresses);
    },
  });
  return next<AggregateError>(socket, 'error');
}

describe('an error without a message', () => {
  it('is described by those of each address, if a host has several', async () => {
    const error = await unreachable();
    expect(error.message).to.equal('');
    expect(messageOf(error)).to.match(
      /^connect ECONNREFUSED 127\.0\.0\.1:\d+, connect ECONNREFUSED 127\.0\.0\.2:\d+$/,
    );
    expect(connectionFailed(error).message).to.equal(`The connection failed: ${messageOf(error)}`);
  });

  it('is described by its code, else by its name', () => {
    expect(messageOf(Object.assign(new Error(''), { code: 'ECONNRESET' }))).to.equal('ECONNRESET');
    expect(messageOf(new TypeError(''))).to.equal('TypeError');
  });

  it('is described by its name, if it is among its own errors', () => {
    const error = new AggregateError([], '');
    error.errors = [error, error];
    expect(messageOf(error)).to.equal('AggregateError');
  });
});
