/** Computations in progress in this process, by what they compute. */
export class Flights<Result> {
  readonly #flights = new Map<string, Promise<Result | undefined>>();

  /** The result of the computation in progress, if there is one; it resolves to nothing if the computation gave none. */
  joined(name: string): Promise<Result | undefined> | undefined {
    return this.#flights.get(name);
  }

  /** Begins a computation, which others join until it ends. `land` gives them its result before its end. */
  async begin(
    name: string,
    compute: (land: (result: Result | undefined) => void) => Promise<void>,
  ): Promise<void> {
    let land!: (result: Result | undefined) => void;
    this.#flights.set(
      name,
      new Promise((resolve) => {
        land = resolve;
      }),
    );
    try {
      await compute(land);
    } finally {
      land(undefined);
      this.#flights.delete(name);
    }
  }
}
