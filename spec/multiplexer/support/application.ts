import type { AccessToken } from '@azure/core-auth';
import { Multiplexer } from '../../../lib/index.js';

/*
 * An application that listens to no event: it has its connections dropped and its listener fail, goes on, closes its
 * multiplexer, and has nothing more to do. Whatever it prints is too much.
 */

interface Options {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly ca: string };
  readonly protocol: 2 | 3;
  readonly accessToken: AccessToken;
}

const { accessToken, ...options } = JSON.parse(process.argv.at(-1) ?? '') as Options;

const multiplexer = await Multiplexer.connect({
  ...options,
  credential: { getToken: () => Promise.resolve(accessToken) },
});

const heard = new Promise<void>((resolve) => {
  void multiplexer.subscribe('news', (message) => {
    if (message === 'last') resolve();
    throw new Error('a listener that fails');
  });
});

const restored = Promise.all(
  multiplexer.connections.map(
    ({ name }) =>
      new Promise<void>((resolve) => {
        multiplexer.on('connectionRestored', ({ connection }) => {
          if (connection === name) resolve();
        });
      }),
  ),
);
await multiplexer.publish('news', 'first');
await multiplexer.interactive.set('dropped', 'please');
await restored;
await multiplexer.publish('news', 'last');
await heard;
await multiplexer.close();
