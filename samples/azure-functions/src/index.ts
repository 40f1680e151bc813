import { app } from '@azure/functions';
import { createHealth } from './health.js';
import { SharedClient } from './shared-client.js';
import { createVisits } from './visits.js';

const client = new SharedClient(() => {
  const host = process.env['REDIS_HOST'];
  if (!host) throw new Error('The application setting REDIS_HOST, the host name of the cache, is missing.');
  return { host };
});

app.http('visits', {
  methods: ['POST'],
  route: 'visits/{page}',
  authLevel: 'function',
  handler: createVisits(client),
});
app.http('health', { methods: ['GET'], authLevel: 'anonymous', handler: createHealth(client) });
app.hook.appTerminate(() => client.close());
