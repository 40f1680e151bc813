import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AccessToken } from '@azure/core-auth';
import { Cache } from '../cache.js';
import type { PeerName } from '../peers/peer.js';
import { callRemote } from '../remote.js';
import { atMost, quantity, ratio, type Goal, type Result } from '../result.js';
import type { Row, RowOutcome, Scale } from '../row.js';
import { median, ratiosOf } from '../statistics.js';

/** More than of other rows, since a process is started in a moment, and differs more from the next one. */
const ROUNDS_FACTOR = 2;

interface Candidate {
  readonly name: string;
  readonly goal?: Goal;
  /** The time that is compared, in ms. */
  readonly measure: () => Promise<number>;
}

export const imports: Row = {
  name: 'imports',
  title: 'Import, cold',
  method:
    'The CPU time that import() or require() takes in a new process that has loaded nothing else. This package loads ioredis itself, ' +
    'as CommonJS, and identity libraries when the first token is requested. An application loads both: the second line of each, ' +
    'over ioredis alone. From Node.js 22 on, also with a compile cache (`NODE_COMPILE_CACHE`) that an earlier process has filled.',
  async run(scale, progress) {
    const results: Result[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-compile-cache-'));
    const hasCompileCache = 'enableCompileCache' in nodeModule;
    try {
      for (const format of ['ES modules', 'CommonJS']) {
        for (const cache of hasCompileCache ? ['', folder] : ['']) {
          const what = cache === '' ? format : `${format}, compile cache`;
          progress(what);
          const load =
            (...names: string[]): (() => Promise<number>) =>
            async () =>
              Number(await outputOf('import.js', [format, ...names], {}, { NODE_COMPILE_CACHE: cache }));
          results.push(
            ...(await compare(what, scale, [
              { name: 'ioredis', measure: load('ioredis') },
              { name: 'ioredis-azure', goal: atMost(1.1), measure: load('ioredis-azure') },
              { name: 'ioredis, then ioredis-azure', measure: load('ioredis', 'ioredis-azure') },
              {
                name: '@redis/entraid (which loads node-redis)',
                measure: load('@redis/entraid'),
              },
            ])),
          );
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    return { results };
  },
};

export const firstReply: Row = {
  name: 'first-reply',
  title: 'From process start to the first reply',
  method:
    'A program that imports, connects over TLS through the emulator, and prints the reply to PING; from its start to its output. ' +
    'The credential answers at once.',
  async run(scale, progress): Promise<RowOutcome> {
    const cache = await Cache.start({});
    try {
      const accessToken = await callRemote<AccessToken>(cache.address.tokenPort, 'token');
      const candidate = (peer: PeerName, goal?: Goal): Candidate => ({
        name: peer,
        ...(goal && { goal }),
        measure: async () => {
          const startedAt = performance.now();
          await outputOf('first-reply.js', [], { peer, cache: cache.address, accessToken });
          return performance.now() - startedAt;
        },
      });
      progress('three programs in turn');
      return {
        results: await compare('first reply', scale, [
          candidate('ioredis'),
          candidate('ioredis-azure', atMost(1.08)),
          candidate('node-redis'),
        ]),
      };
    } finally {
      await cache.stop();
    }
  },
};

/** Measures the candidates in turn; the first one is the floor. */
async function compare(what: string, { rounds }: Scale, candidates: readonly Candidate[]): Promise<Result[]> {
  const times = candidates.map((): number[] => []);
  for (let round = 0; round <= rounds * ROUNDS_FACTOR; round += 1) {
    const order = [...candidates.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, { measure }] of order) {
      const time = await measure();
      // The first round fills the caches of the file system.
      if (round > 0) times[index]?.push(time);
    }
  }
  const [floor = []] = times;
  return candidates.map(({ name, goal }, index) =>
    index === 0
      ? quantity(what, name, median(floor), 'ms')
      : ratio(what, name, ratiosOf(times[index] ?? [], floor), goal),
  );
}

/** What a program prints first, without the loader that this process runs with. */
async function outputOf(
  program: string,
  args: readonly string[],
  settings: unknown = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const path = fileURLToPath(new URL(`../programs/${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', SETTINGS: JSON.stringify(settings), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [[output]] = (await Promise.all([once(child.stdout, 'data'), once(child, 'exit')])) as [
    [Buffer],
    unknown,
  ];
  return output.toString();
}
