import { once } from 'node:events';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { Output } from '../output.js';

/** Runs an emulator until the process is told to end. */
export async function runEmulator({ json }: { readonly json?: boolean }): Promise<void> {
  const output = new Output({ json });
  const azure = await AzureRedisEmulator.start();
  try {
    const { host, port } = azure;
    if (output.isJson) output.json({ host, port });
    else output.line(`The emulator listens on ${host}:${port}. Stop it with Ctrl+C.`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    await azure.stop();
  }
}
