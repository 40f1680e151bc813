/** Commands and a subscription, ten times a second, while the tokens with which their connections log in expire. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Multiplexer } from 'ioredis-azure';
import { start } from './start.js';

await start({}, async ({ options, flags: { prefix }, stopping }) => {
  // Finds out whether the cache is a cluster, and resolves once its connections are logged in.
  await using multiplexer = await Multiplexer.connect({ ...options, commandTimeout: 5_000 });
  const { interactive: redis, authenticator } = multiplexer;
  console.log(`Logged in as ${authenticator.username}, until ${authenticator.expiresOn.toISOString()}.`);
  authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    console.log(`\ntoken refreshed, valid until ${expiresOn.toISOString()}`);
  });
  authenticator.on('reauthenticated', ({ endpoint }) => {
    console.log(`${endpoint} re-authenticated`);
  });

  let commands = 0;
  let failures = 0;
  let messages = 0;
  await multiplexer.subscribe(`${prefix}news`, () => {
    messages += 1;
  });
  while (!stopping.aborted) {
    try {
      await redis.set(`${prefix}main-job`, (commands += 1), 'EX', 60);
      await multiplexer.publish(`${prefix}news`, 'hello');
      process.stdout.write('+');
    } catch (error) {
      failures += 1;
      console.error(`\n${String(error)}`);
    }
    await sleep(100, undefined, { signal: stopping }).catch(() => undefined);
  }
  console.log(`\nCommands ${commands}, failures ${failures}, messages ${messages}`);
});
