import type { Multiplexer } from 'ioredis-azure';
import type { Logger } from 'pino';

/** Logs what an operator wants to know of. No event holds a token or a key. */
export function logMultiplexer(multiplexer: Multiplexer, log: Logger): void {
  multiplexer.on('connectionLost', (event) => {
    log.warn(event, 'connection lost');
  });
  multiplexer.on('connectionRestored', (event) => {
    log.info(event, 'connection restored');
  });
  multiplexer.on('maintenance', (event) => {
    log.info(event, 'maintenance announced');
  });
  multiplexer.on('error', (error) => {
    log.error({ code: error.code, hint: error.hint }, error.message);
  });
  multiplexer.authenticator.on('tokenRefreshed', ({ expiresOn }) => {
    log.info({ expiresOn }, 'token refreshed');
  });
  multiplexer.authenticator.on('tokenRefreshFailed', ({ error, expiresOn }) => {
    log.error({ code: error.code, hint: error.hint, expiresOn }, error.message);
  });
  multiplexer.authenticator.on('reauthenticated', (event) => {
    log.info(event, 're-authenticated');
  });
}
