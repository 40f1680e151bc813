import type * as library from '../lib/index.js';

/**
 * What is measured is what is published: the built package. The loader that runs these programs would compile the sources
 * in a way of its own.
 */
export const { configureClusterForAzure, configureForAzure, Multiplexer } = (await import(
  new URL('../dist/index.cjs', import.meta.url).href
)) as typeof library;
