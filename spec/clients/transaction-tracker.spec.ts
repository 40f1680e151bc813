import { expect } from 'chai';
import type { Command } from '../../lib/ioredis/client.js';
import { TransactionTracker } from '../../lib/clients/transaction-tracker.js';

function multi(outcome = new Promise<unknown>(() => undefined)): Command {
  const ignore = (): void => undefined;
  return { name: 'multi', args: [], promise: outcome, resolve: ignore, reject: ignore, toWritable: () => '' };
}

describe('TransactionTracker', () => {
  it('is open from MULTI to its end', async () => {
    const transaction = new TransactionTracker(() => false);
    expect(transaction.isOpen).to.equal(false);
    transaction.opened(multi());
    expect(transaction.isOpen).to.equal(true);
    const over = transaction.over();
    transaction.closed();
    await over;
    expect(transaction.isOpen).to.equal(false);
  });

  it('is not over when another one is opened at once', async () => {
    const transaction = new TransactionTracker(() => false);
    transaction.opened(multi());
    let isOver = false;
    const over = transaction.over().then(() => {
      isOver = true;
    });
    transaction.closed();
    transaction.opened(multi());
    await new Promise(setImmediate);
    expect(isOver).to.equal(false);
    transaction.closed();
    await over;
  });

  it('is not opened by a MULTI that the server rejects', async () => {
    const transaction = new TransactionTracker(() => false);
    transaction.opened(multi(Promise.reject(new Error('NOAUTH'))));
    await transaction.over();
    expect(transaction.isOpen).to.equal(false);
  });

  it('stays open when a MULTI within it is rejected', async () => {
    const transaction = new TransactionTracker(() => false);
    transaction.opened(multi());
    transaction.opened(multi(Promise.reject(new Error('ERR MULTI calls can not be nested'))));
    await new Promise(setImmediate);
    expect(transaction.isOpen).to.equal(true);
  });

  it('stays open when its MULTI times out before the server has answered it', async () => {
    const multiCommand = multi(Promise.reject(new Error('Command timed out')));
    const transaction = new TransactionTracker((command) => command === multiCommand);
    transaction.opened(multiCommand);
    await new Promise(setImmediate);
    expect(transaction.isOpen).to.equal(true);
    transaction.refused(multiCommand);
    expect(transaction.isOpen, 'once the server has refused it').to.equal(false);
  });
});
