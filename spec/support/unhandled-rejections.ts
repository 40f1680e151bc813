import { expect } from 'chai';

/** Fails each spec of the `describe` that calls this if it leaves a rejection unhandled, which ends a process. */
export function forbidUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  const record = (reason: unknown): void => {
    unhandled.push(reason);
  };
  before(() => {
    process.on('unhandledRejection', record);
  });
  afterEach(() => {
    expect(unhandled.splice(0)).to.deep.equal([]);
  });
  after(() => {
    process.off('unhandledRejection', record);
  });
}
