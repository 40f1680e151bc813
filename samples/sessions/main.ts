/**
 * Sessions that live in the cache: sign in, see on which devices you are signed in, and sign out any of them.
 *
 *   npm run sample:sessions
 *   npm run sample:sessions -- --host my-cache.westeurope.redis.azure.net
 */
import { Multiplexer } from 'ioredis-azure';
import { runProgram } from '../shared/command-line.js';
import { HttpServer } from '../shared/http-server.js';
import { reportEvents } from '../shared/report-events.js';
import { aborted, stopSignal } from '../shared/stop-signal.js';
import { openTarget } from '../shared/target.js';
import { createApp } from './app.js';
import { readOptions, USAGE } from './options.js';
import { DemoUsers } from './sign-in/users.js';

await runProgram(USAGE, async () => {
  const { cluster, port, demoPassword, ...options } = readOptions(process.env);
  const stopping = stopSignal();

  await using target = await openTarget(options.target);
  const connection = {
    ...target.options,
    connectionName: 'sessions-sample',
    // While the cache cannot be reached, requests are answered with status 503 after this time.
    commandTimeout: 3_000,
    maxRetriesPerRequest: 1,
  };
  await using multiplexer = cluster
    ? await Multiplexer.connect({ ...connection, cluster: {} })
    : await Multiplexer.connect(connection);
  multiplexer.on('error', (error) => {
    console.error(`${error.message} ${error.hint}`);
  });
  reportEvents(multiplexer.authenticator);

  const users = await DemoUsers.create(demoPassword);
  const app = createApp({ ...options, redis: multiplexer.interactive, users });
  const server = await HttpServer.listen(app, { port });
  console.log(`Sessions are kept by ${target.description}.`);
  console.log(`Open ${server.url} and sign in as ${users.names.join(' or ')}.`);
  if (!process.env['DEMO_PASSWORD']) console.log(`Password: ${demoPassword}`);

  await aborted(stopping);
  console.log('Stopping.');
  await server.close();
});
