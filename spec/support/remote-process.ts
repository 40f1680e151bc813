import { fork, type ChildProcess } from 'node:child_process';
import type { AzureRedisEmulator, EmulatorCredential } from '../../emulator/index.js';
import type { Variant } from './ioredis-versions.js';
import { next, nextWhere } from './waiting.js';

const SCOPE = 'https://redis.azure.com/.default';

/** The start message for a process. */
export interface RemoteSettings {
  readonly variant: string;
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  /** The offset of its clock, in ms. */
  readonly clockShift: number;
}

/** A message to a process. */
export interface ToRemote {
  readonly token?: { readonly text: string; readonly lifetime: number };
  readonly count?: true;
  /** The time for which to block its event loop, in ms. */
  readonly block?: number;
  readonly clockShift?: number;
  readonly end?: true;
}

/** A message from a process. */
export interface FromRemote {
  readonly ready?: true;
  readonly wantsToken?: true;
  readonly reauthenticated?: true;
  readonly counted?: number;
}

/** A client in a separate process, which can be suspended, blocked, or have another time. */
export class RemoteProcess {
  readonly #child: ChildProcess;
  readonly #credential: EmulatorCredential;

  private constructor(child: ChildProcess, credential: EmulatorCredential) {
    this.#child = child;
    this.#credential = credential;
  }

  /** Resolves when its client is ready. Its tokens come from an identity of this cache. */
  static async start(azure: AzureRedisEmulator, variant: Variant, clockShift = 0): Promise<RemoteProcess> {
    const { host, port, ca } = azure;
    const settings: RemoteSettings = { variant: variant.name, host, port, ca, clockShift };
    const child = fork(new URL('remote-client.ts', import.meta.url), [JSON.stringify(settings)], {
      execArgv: ['--import', 'tsx'],
    });
    const credential = azure.credential();
    const remote = new RemoteProcess(child, credential);
    child.on('message', ({ wantsToken }: FromRemote) => {
      if (!wantsToken) return;
      void credential.getToken(SCOPE).then(({ token, expiresOnTimestamp }) => {
        remote.#tell({ token: { text: token, lifetime: expiresOnTimestamp - Date.now() } });
      });
    });
    await remote.#told(({ ready }) => ready === true);
    return remote;
  }

  /** The identity of its client. */
  get oid(): string {
    return this.#credential.oid;
  }

  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Blocks its event loop for this time, in ms. */
  block(duration: number): void {
    this.#tell({ block: duration });
  }

  /** Sets the offset of its clock, in ms. */
  setClock(shift: number): void {
    this.#tell({ clockShift: shift });
  }

  /** Resolves when its connection has logged in with the next token. */
  async reauthenticated(): Promise<void> {
    await this.#told((message) => message.reauthenticated === true);
  }

  /** Increments its counter and returns the count. */
  async count(): Promise<number> {
    const told = this.#told(({ counted }) => counted !== undefined);
    this.#tell({ count: true });
    return (await told).counted ?? 0;
  }

  /** Its exit code once it has ended by itself. */
  async end(): Promise<number | null> {
    const exited = next<number | null>(this.#child, 'exit');
    this.#tell({ end: true });
    return exited;
  }

  #tell(message: ToRemote): void {
    this.#child.send(message);
  }

  #told(isWanted: (message: FromRemote) => boolean): Promise<FromRemote> {
    return nextWhere<FromRemote>(this.#child, 'message', isWanted);
  }
}
