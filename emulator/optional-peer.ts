import { AzureRedisError } from '../lib/index.js';

/**
 * Hands on what an `import()` of an optional peer dependency gives, and says by name what to install when the
 * package is missing: nothing that only tests need is installed into production.
 */
export async function peer<Module>(name: string, imported: Promise<Module>): Promise<Module> {
  try {
    return await imported;
  } catch (error) {
    throw new AzureRedisError(
      'MISSING_DEPENDENCY',
      `ioredis-azure/emulator needs the package "${name}", which cannot be loaded.`,
      `Install it beside your tests: npm install --save-dev ${name}`,
      { cause: error },
    );
  }
}
