import { AzureRedisError } from '../lib/index.js';

/**
 * Imports an optional peer dependency. Packages that only tests need are not installed in production; the error names the
 * package to install.
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
