import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOLDER_PREFIX } from './folder.js';
import type { LastingFault } from './faults.js';

/** What a second terminal asks of an emulator: one line of JSON. */
export type ControlRequest =
  | { readonly action: 'drop' }
  | { readonly action: 'fail'; readonly fault: LastingFault; readonly duration: number | undefined }
  | { readonly action: 'recover'; readonly fault: LastingFault | undefined };

/** The reply, one line of JSON. */
export interface ControlReply {
  /** Why the request was refused. */
  readonly error?: string;
  /** The number of connections that were closed. */
  readonly dropped?: number;
  /** The faults that were ended. */
  readonly ended?: readonly LastingFault[];
}

/** How a running emulator can be found. */
export interface EmulatorEntry {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

/** The file in the emulator's folder that holds its entry. */
export const ENTRY_FILE = 'emulator.json';

/** The socket in its folder that takes control requests. */
export const CONTROL_SOCKET = 'control.sock';

/** An emulator of this user that runs, with the socket that controls it. */
export interface RunningEmulator extends EmulatorEntry {
  readonly socket: string;
}

/** The emulators of this user that run. */
export async function runningEmulators(): Promise<RunningEmulator[]> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(FOLDER_PREFIX));
  const entries = await Promise.all(names.map((name) => entryIn(join(tmpdir(), name))));
  return entries.filter((entry) => entry !== undefined).sort((a, b) => a.port - b.port);
}

async function entryIn(folder: string): Promise<RunningEmulator | undefined> {
  try {
    // Other users could put entries of their own into the folder of temporary files.
    if ((await stat(folder)).uid !== process.getuid?.()) return undefined;
    const entry = JSON.parse(await readFile(join(folder, ENTRY_FILE), 'utf8')) as EmulatorEntry;
    const socket = join(folder, CONTROL_SOCKET);
    await assertListening(socket);
    return { ...entry, socket };
  } catch {
    // It is starting, or has ended.
    return undefined;
  }
}

async function assertListening(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
