import { app } from '@azure/functions';
import { createHealth } from './health.js';
import { SharedMultiplexer } from './shared-multiplexer.js';
import { createVisits } from './visits.js';

const shared = new SharedMultiplexer(() => {
  const host = process.env['REDIS_HOST'];
  if (!host) throw new Error('The application setting REDIS_HOST, the host name of the cache, is missing.');
  return { host };
});

app.http('visits', {
  methods: ['POST'],
  route: 'visits/{page}',
  authLevel: 'function',
  handler: createVisits(shared, process.env['REDIS_PREFIX'] ?? ''),
});
app.http('health', { methods: ['GET'], authLevel: 'anonymous', handler: createHealth(shared) });
app.hook.appTerminate(() => shared.close());
