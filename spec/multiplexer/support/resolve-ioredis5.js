/** Gives whoever imports ioredis version 5 of it, as those have it who installed that version. */
export function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier === 'ioredis' ? 'ioredis5' : specifier, context);
}
