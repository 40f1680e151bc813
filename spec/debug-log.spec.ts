import { format } from 'node:util';
import { expect } from 'chai';
import createDebug from 'debug';
import { createDebugLog } from '../lib/diagnostics.js';

describe('createDebugLog()', () => {
  const { DEBUG = '' } = process.env;
  const { log: original } = createDebug;
  let written: string[];

  beforeEach(() => {
    written = [];
    createDebug.log = (...values: unknown[]) => written.push(format(...values));
  });
  afterEach(() => {
    createDebug.enable(DEBUG);
    createDebug.log = original;
  });

  it('writes the messages of an enabled namespace, in order', async () => {
    createDebug.enable('spec:on');
    const log = createDebugLog('spec:on');
    log('%s of %d', 'first', 2);
    log('second');
    await nextMessages(2);
    expect(written.map((line) => /first of 2|second/.exec(line)?.[0])).to.deep.equal([
      'first of 2',
      'second',
    ]);
  });

  it('writes messages once the application has enabled the namespace', async () => {
    createDebug.disable();
    const log = createDebugLog('spec:later');
    log('before');
    createDebug.enable('spec:*');
    log('after');
    await nextMessages(1);
    expect(written.join()).to.include('after').and.not.include('before');
  });

  it('writes nothing of another namespace', async () => {
    createDebug.enable('spec:other');
    createDebugLog('spec:off')('silent');
    createDebugLog('spec:other')('spoken');
    await nextMessages(1);
    expect(written.join()).to.include('spoken').and.not.include('silent');
  });

  async function nextMessages(count: number): Promise<void> {
    while (written.length < count) await new Promise((resolve) => setImmediate(resolve));
  }
});
