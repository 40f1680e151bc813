import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time for handles to close by themselves, in ms. */
const PATIENCE = 10_000;

let before: readonly string[] = [];

/** The resources that keep the process alive: sockets, servers, processes, timers. Includes mocha's timer of a pending hook. */
async function active(): Promise<string[]> {
  await sleep(10);
  return process.getActiveResourcesInfo();
}

/** The resources that keep the process alive now, and did not before the specs. */
async function opened(): Promise<string[]> {
  const known = [...before];
  return (await active()).filter((resource) => {
    const index = known.indexOf(resource);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

/** Fails a spec file that leaves something open: mocha terminates its workers, which would hide it. */
export const mochaHooks = {
  async beforeAll(): Promise<void> {
    before = await active();
  },
  async afterAll(): Promise<void> {
    const end = performance.now() + PATIENCE;
    let left = await opened();
    while (left.length > 0 && performance.now() < end) left = await opened();
    expect(left, 'open handles').to.deep.equal([]);
  },
};
