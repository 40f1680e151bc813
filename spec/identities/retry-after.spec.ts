import { expect } from 'chai';
import { useFakeTimers, type SinonFakeTimers } from 'sinon';
import { parseRetryAfter, retryAfterOf } from '../../lib/identities/identity-errors.js';

describe('Retry-After', () => {
  let clock: SinonFakeTimers;
  beforeEach(() => {
    clock = useFakeTimers({ now: Date.UTC(2030, 0, 1), toFake: ['Date'] });
  });
  afterEach(() => {
    clock.restore();
  });

  it('is parsed as seconds', () => {
    expect(parseRetryAfter('7')).to.equal(7000);
    expect(parseRetryAfter('0')).to.equal(0);
  });

  it('is parsed as an HTTP date; a past date means now', () => {
    expect(parseRetryAfter('Tue, 01 Jan 2030 00:00:30 GMT')).to.equal(30_000);
    expect(parseRetryAfter('Tue, 01 Jan 2019 00:00:30 GMT')).to.equal(0);
  });

  it('is ignored when it is missing or invalid', () => {
    for (const header of [undefined, '', '  ', 'soon', '-5x'])
      expect(parseRetryAfter(header)).to.equal(undefined);
  });

  it('is found in a RestError, in plain headers and in Headers of fetch', () => {
    const get = (name: string) => (name === 'retry-after' ? '3' : undefined);
    expect(retryAfterOf({ response: { status: 429, headers: { get } } })).to.equal(3000);
    expect(retryAfterOf({ headers: { 'Retry-After': '4' } })).to.equal(4000);
    expect(retryAfterOf({ responseHeaders: { 'retry-after': 5 } })).to.equal(5000);
    expect(retryAfterOf({ response: new Response(null, { headers: { 'Retry-After': '6' } }) })).to.equal(
      6000,
    );
  });

  it('yields to the headers of Azure services in milliseconds', () => {
    expect(retryAfterOf({ headers: { 'retry-after': '2', 'x-ms-retry-after-ms': '1500' } })).to.equal(1500);
  });

  it('is undefined for an error without headers', () => {
    expect(retryAfterOf({ message: 'no' })).to.equal(undefined);
    expect(retryAfterOf({ headers: null, response: 'text' })).to.equal(undefined);
  });
});
