/** Sessions that live in the cache: sign in, see on which devices you are signed in, and sign out any of them. */
import { randomBytes } from 'node:crypto';
import { Multiplexer } from 'ioredis-azure';
import { createApp } from './app.js';
import { serve } from './serve.js';
import { DemoUsers } from './sign-in/users.js';
import { start } from './start.js';

const FLAGS = {
  listen: { type: 'string', default: '3000' },
  'idle-timeout': { type: 'string', default: '1800' }, // Ends a session that is not used, in s.
  'absolute-timeout': { type: 'string', default: '43200' }, // Ends a session, however much it is used, in s.
  'behind-tls-proxy': { type: 'boolean', default: false }, // Secure cookies, HSTS, and the addresses of the clients.
} as const;

await start(FLAGS, async ({ options, flags, stopping }) => {
  const secret = environment('SESSION_SECRET', 32);
  const password = environment('DEMO_PASSWORD', 8);
  const idle = Number(flags['idle-timeout']) * 1_000;
  const absolute = Number(flags['absolute-timeout']) * 1_000;
  if (!(idle > 0 && absolute >= idle))
    throw invalid('--absolute-timeout must not be shorter than --idle-timeout.');

  await using multiplexer = await Multiplexer.connect({
    ...options,
    connectionName: 'sessions-sample',
    commandTimeout: 3_000,
  });
  // Without a connection, requests are answered with status 503 at once.
  multiplexer.interactive.options.enableOfflineQueue = false;
  multiplexer.on('error', ({ message, hint }) => {
    console.error(message, hint);
  });

  const users = await DemoUsers.create(password);
  const app = createApp({
    redis: multiplexer.interactive,
    prefix: flags.prefix,
    users,
    timeouts: { idle, absolute },
    secret,
    behindTlsProxy: flags['behind-tls-proxy'],
  });
  const listening = (url: string): void => {
    console.log(`Open ${url} and sign in as ${users.names.join(' or ')}.`);
    if (!process.env['DEMO_PASSWORD']) console.log(`Password: ${password}`);
  };
  await serve(app, { port: Number(flags.listen), stopping, listening });
});

/** A secret of the environment; by default a new one at every start. */
function environment(name: string, minimum: number): string {
  const value = process.env[name];
  if (!value) return randomBytes(minimum).toString('base64url');
  if (value.length < minimum) throw invalid(`${name} must have ${minimum} characters or more.`);
  return value;
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), { code: 'INVALID_FLAG' });
}
