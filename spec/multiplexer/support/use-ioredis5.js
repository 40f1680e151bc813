import Module, { register } from 'node:module';

/*
 * Every import of ioredis gives version 5. Mocha requires the spec files, and only what cannot be required is imported: both
 * ways need their hook.
 */
register('./resolve-ioredis5.js', import.meta.url);

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolveFilename.call(this, request === 'ioredis' ? 'ioredis5' : request, ...rest);
};
