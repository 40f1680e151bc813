/** Invokes the functions as the Functions host does. */
import { setTimeout as sleep } from 'node:timers/promises';
import functions from '@azure/functions';
import { SharedMultiplexer } from './src/shared-multiplexer.js';
import { createVisits } from './src/visits.js';
import { start } from './start.js';

// Node.js does not detect the named exports of this CommonJS bundle.
const { HttpRequest, InvocationContext } = functions;

await start({}, async ({ options, flags, stopping }) => {
  const shared = new SharedMultiplexer(() => options);
  const visits = createVisits(shared, flags.prefix);
  let invocations = 0;
  let failures = 0;
  while (!stopping.aborted) {
    invocations += 1;
    const page = 'home';
    const request = new HttpRequest({
      method: 'POST',
      url: `http://localhost/api/visits/${page}`,
      params: { page },
    });
    const context = new InvocationContext({ functionName: 'visits', invocationId: crypto.randomUUID() });
    const { status = 200 } = await visits(request, context);
    if (status !== 200) failures += 1;
    process.stdout.write(status === 200 ? '+' : '-');
    await sleep(200, undefined, { signal: stopping }).catch(() => undefined);
  }
  await shared.close();
  console.log(`\nInvocations ${invocations}, failures ${failures}`);
});
