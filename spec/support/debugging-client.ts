/**
 * A process that prints to stderr everything that operators can see: debug output and traces of ioredis and this package,
 * and every event, error and object, inspected, serialised and logged. It prints its secrets last, one a line, after a mark.
 */
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { Redis } from 'ioredis';
import pino from 'pino';
import winston from 'winston';
import { configureForAzure, Multiplexer, type Authenticator } from '../../lib/index.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { VARIANTS } from './ioredis-versions.js';
import { next, times } from './waiting.js';

const pinoLogger = pino({ level: 'trace' }, pino.destination({ dest: 2, sync: true }));
const winstonLogger = winston.createLogger({
  level: 'silly',
  format: winston.format.combine(winston.format.errors({ stack: true, cause: true }), winston.format.json()),
  // winston types its transports as a class that they are not of.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  transports: new winston.transports.Stream({ stream: process.stderr }),
});

/** Prints a value in every way that a log might. */
function show(label: string, value: unknown): void {
  console.error(inspect(value, { depth: 12, showHidden: true, getters: true }));
  console.error(inspect(value, { depth: 12, showHidden: true, customInspect: false }));
  pinoLogger.info(value instanceof Error ? { err: value } : { value }, label);
  winstonLogger.info(label, { value });
  if (value instanceof Error) {
    winstonLogger.info(value);
    console.error(`${value.stack}\n${JSON.stringify(value)}\n${JSON.stringify(Object.entries(value))}`);
  }
}

const CHANNELS = [
  ...['command', 'batch', 'connect'].map((name) => `ioredis:${name}`),
  ...['token-refresh', 'reauthentication'].map((name) => `ioredis-azure:${name}`),
];
for (const event of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
  for (const channel of CHANNELS) {
    subscribe(`tracing:${channel}:${event}`, (message) => {
      console.error(`${channel} ${event} ${inspect(message, { depth: 9, showHidden: true, getters: true })}`);
    });
  }
}

function showEvents(authenticator: Authenticator): void {
  for (const name of [
    'tokenRefreshed',
    'tokenRefreshFailed',
    'reauthenticated',
    'reauthenticationFailed',
  ] as const) {
    authenticator.on(name, (event: object) => {
      show(name, event);
    });
  }
  authenticator.on('recycled', (event) => {
    show('recycled', event);
  });
}

const azure = await AzureRedisEmulator.start({ tokenLifetime: 2_000 });
const secrets: string[] = [azure.accessKey];
const { credential: issuer, ...connection } = azure.options;
let refusesWithToken = false;
const credential: TokenCredential = {
  async getToken(scopes): Promise<AccessToken> {
    const token = await issuer.getToken(scopes);
    secrets.push(token.token);
    if (refusesWithToken) throw Object.assign(new Error(`no: ${token.token}`), { request: token });
    return token;
  },
};
const options = await configureForAzure({ ...connection, credential });
showEvents(options.authenticator);

for (const { Redis: RedisOfVariant, protocol } of VARIANTS) {
  const redis = new RedisOfVariant({ ...options, protocol });
  redis.on('error', (error) => {
    show('error', error);
  });
  await redis.set('key', 'value');
  await times(1, options.authenticator, 'reauthenticated');
  azure.refuseLogins();
  await redis.call('RESET');
  await redis.get('key').catch((error: unknown) => {
    show('refused', error);
  });
  azure.dropConnections();
  await next(azure, 'refusal');
  redis.disconnect();
  azure.acceptLogins();
  show('client', redis);
}

refusesWithToken = true;
await options.authenticator.refresh().catch((error: unknown) => {
  show('no token', error);
});
refusesWithToken = false;

const multiplexer = await Multiplexer.connect({ ...options, protocol: 2 });
const subscription = await multiplexer.subscribe('news', () => undefined);
await next(options.authenticator, 'recycled');
show('multiplexer', multiplexer);
show('subscription', subscription);
await multiplexer.close();

const withKey = await configureForAzure({ ...connection, accessKey: azure.accessKey });
const keyed = new Redis(withKey);
keyed.on('error', (error) => {
  show('error', error);
});
await keyed.ping();
azure.regenerateAccessKey();
azure.dropConnections();
await next(azure, 'refusal');
keyed.disconnect();
for (const [label, value] of Object.entries({ keyed, withKey, options })) show(label, value);

await azure.stop();
// A client may still emit its end.
process.once('exit', () => {
  console.error(`SECRETS\n${secrets.join('\n')}`);
});
