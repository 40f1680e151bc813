import type { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';

/** The faults that a second terminal can begin. */
export const FAULTS = {
  identity: {
    description: 'Microsoft Entra and the endpoint of managed identities do not answer',
    isInstant: false,
  },
  logins: { description: 'the cache refuses every login (WRONGPASS)', isInstant: false },
  hello: { description: 'the cache refuses logins by HELLO, and accepts AUTH', isInstant: false },
  drop: { description: 'the cache closes every connection at once', isInstant: true },
} as const;

export type FaultName = keyof typeof FAULTS;

export type LastingFault = Exclude<FaultName, 'drop'>;

export function isLastingFault(name: string): name is LastingFault {
  return Object.hasOwn(FAULTS, name) && !FAULTS[name as FaultName].isInstant;
}

/** What the faults tell. */
export interface FaultListener {
  began(fault: FaultName, duration: number | undefined): void;
  ended(fault: LastingFault): void;
}

/** The faults of a running emulator. */
export class Faults {
  readonly #azure: AzureRedisEmulator;
  readonly #entra: EntraEmulator;
  readonly #listener: FaultListener;
  /** The lasting faults in effect, with the timer that ends them, if any. */
  readonly #current = new Map<LastingFault, NodeJS.Timeout | undefined>();

  constructor(azure: AzureRedisEmulator, entra: EntraEmulator, listener: FaultListener) {
    this.#azure = azure;
    this.#entra = entra;
    this.#listener = listener;
  }

  /** Closes every connection at once. Returns the number of connections. */
  drop(): number {
    this.#listener.began('drop', undefined);
    return this.#azure.dropConnections();
  }

  /** Begins a fault, which ends after `duration` ms if given. */
  begin(fault: LastingFault, duration: number | undefined): void {
    clearTimeout(this.#current.get(fault));
    const timer = duration === undefined ? undefined : setTimeout(() => this.end(fault), duration).unref();
    this.#current.set(fault, timer);
    switch (fault) {
      case 'identity':
        this.#entra.down();
        break;
      case 'logins':
        this.#azure.refuseLogins();
        break;
      case 'hello':
        this.#azure.refuseHello();
        break;
    }
    this.#listener.began(fault, duration);
  }

  /** Ends a fault, or all. Returns those that were in effect. */
  end(fault?: LastingFault): LastingFault[] {
    const ended = [...this.#current.keys()].filter((each) => fault === undefined || each === fault);
    for (const each of ended) this.#end(each);
    return ended;
  }

  #end(fault: LastingFault): void {
    clearTimeout(this.#current.get(fault));
    this.#current.delete(fault);
    switch (fault) {
      case 'identity':
        this.#entra.restored();
        break;
      case 'logins':
        this.#azure.acceptLogins();
        break;
      case 'hello':
        this.#azure.acceptHello();
        break;
    }
    this.#listener.ended(fault);
  }
}
