import { expect } from 'chai';
import type { AzureRedisEmulator, AzureRedisEmulatorOptions } from '../../../emulator/index.js';
import { times } from '../../support/waiting.js';
import { startAzure, type Azure } from './azure.js';
import { Program, removeBuilt, type Form } from './program.js';

/** The first expires before the last is issued. */
const TOKENS = 3;

/** The lifetime of a token, in ms. */
const LIFETIME = 4_000;

/** How often a client has worked that ran with each token, also on a busy machine: more than this. */
export const SOME = 20;

/** A program on an Azure of its own, over token expiries. */
export class LongRun {
  #azure: Azure | undefined;
  #program: Program | undefined;

  /** Declares one for each spec of the `describe` that calls this. */
  static forEach(): LongRun {
    const run = new LongRun();
    after(removeBuilt);
    afterEach(async () => {
      await run.#program?.kill();
      await run.#azure?.stop();
    });
    return run;
  }

  get cache(): AzureRedisEmulator {
    if (!this.#azure) throw new Error('the program has not run yet');
    return this.#azure.cache;
  }

  /** What the program prints at its end. Nothing was evicted or refused, and it has reported no error. */
  async results<Results>(
    program: string,
    { form = 'esm', ...options }: AzureRedisEmulatorOptions & { form?: Form } = {},
  ): Promise<Results> {
    const azure = await startAzure(LIFETIME, options);
    this.#azure = azure;
    this.#program = await Program.start(program, azure.environment, { form });
    await times(TOKENS, azure.entra, 'token');
    const results = await this.#program.result<Results>();
    const { evictions, refusals } = azure.cache.statistics;
    expect({ evictions, refusals }).to.deep.equal({ evictions: [], refusals: [] });
    expect(this.#program.stderr).to.equal('');
    return results;
  }
}
