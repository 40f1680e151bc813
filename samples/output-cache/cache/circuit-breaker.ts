/** What a circuit breaker guards. */
export interface Guarded {
  /** Whether an operation can be tried at all. */
  isUp(): boolean;
  /** Restores what operations need. Rejects as long as they would fail. */
  probe(): Promise<unknown>;
}

export interface CircuitBreakerOptions {
  /** How often the guarded side is probed while the circuit is open, in ms. */
  readonly probeInterval: number;
  readonly opened: (error: unknown) => void;
  readonly closed: () => void;
}

/**
 * After a failure no operation is tried until a probe succeeds. Probes run in the background, so that no request has to
 * wait for one that fails.
 */
export class CircuitBreaker {
  readonly #guarded: Guarded;
  readonly #options: CircuitBreakerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = true;
  #isStopped = false;

  constructor(guarded: Guarded, options: CircuitBreakerOptions) {
    this.#guarded = guarded;
    this.#options = options;
  }

  /** The circuit is closed if the first probe succeeds. */
  async start(): Promise<void> {
    try {
      await this.#guarded.probe();
      this.#isOpen = false;
    } catch (error) {
      this.#options.opened(error);
      this.#scheduleProbe();
    }
  }

  /** The result of the operation; at once `fallback` if the circuit is open, and `fallback` if the operation fails. */
  async run<Result, Fallback>(
    operation: () => Promise<Result>,
    fallback: Fallback,
  ): Promise<Result | Fallback> {
    if (this.#isOpen) return fallback;
    if (!this.#guarded.isUp()) {
      this.#open(new Error('There is no connection to the cache.'));
      return fallback;
    }
    try {
      return await operation();
    } catch (error) {
      this.#open(error);
      return fallback;
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #open(error: unknown): void {
    if (this.#isOpen || this.#isStopped) return;
    this.#isOpen = true;
    this.#options.opened(error);
    this.#scheduleProbe();
  }

  #scheduleProbe(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      void this.#probe();
    }, this.#options.probeInterval);
    this.#timer.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#guarded.probe();
    } catch {
      this.#scheduleProbe();
      return;
    }
    if (this.#isStopped) return;
    this.#isOpen = false;
    this.#options.closed();
  }
}
