import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';

/** For how long what ends by itself may take to end, in ms. */
const PATIENCE = 10_000;

let before: readonly string[] = [];

/** What keeps the process alive: sockets, servers, processes, timers; among them mocha's own timer of a hook that waits. */
async function active(): Promise<string[]> {
  await sleep(10);
  return process.getActiveResourcesInfo();
}

/** What keeps the process alive now, and did not before the specs. */
async function opened(): Promise<string[]> {
  const known = [...before];
  return (await active()).filter((resource) => {
    const index = known.indexOf(resource);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

/** Every spec file must leave nothing open: mocha's workers are ended from outside, and would hide it. */
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
