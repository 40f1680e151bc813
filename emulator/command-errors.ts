import { assertOption, checkFields, invalidOption, isText } from '../lib/validation.js';
import type { Product } from './blocked-commands.js';

/** The commands that an error reply is meant for. */
export interface FailedCommand {
  /** The name of the command, for example `SET`. Default: any command. */
  readonly command?: string;
  /** The number of the connection, as in `statistics.open`. Default: any connection. */
  readonly connection?: number;
}

interface PlannedError extends FailedCommand {
  readonly error: string;
}

/** The errors with which the endpoint itself answers commands, instead of passing them on. */
export class CommandErrors {
  readonly #planned: PlannedError[] = [];

  /** Whether any command might be answered with an error. */
  get isPlanned(): boolean {
    return this.#planned.length > 0;
  }

  /** @throws AzureRedisError `INVALID_OPTION` */
  plan(error: string, failed: FailedCommand): void {
    checkFields('command', failed, ['command', 'connection']);
    const { command, connection } = failed;
    if (!isText(error) || /[\r\n]/.test(error)) {
      const hint =
        "Set it to the reply without its sign, for example 'LOADING Redis is loading the dataset in memory'.";
      throw invalidOption('`error` must be one line of text.', hint);
    }
    assertOption(command === undefined || isText(command), 'command', command, 'the name of a command');
    assertOption(
      connection === undefined || Number.isInteger(connection),
      'connection',
      connection,
      'the number of a connection',
    );
    this.#planned.push({
      error,
      ...(command !== undefined && { command: command.toLowerCase() }),
      ...(connection !== undefined && { connection }),
    });
  }

  /** The error for this command, if there is one; a planned one is used up. */
  take(args: readonly Buffer[], connection: number, product: Product): string | undefined {
    const name = args[0]?.toString('latin1').toLowerCase();
    const index = this.#planned.findIndex(
      (planned) => (planned.command ?? name) === name && (planned.connection ?? connection) === connection,
    );
    if (index !== -1) return this.#planned.splice(index, 1)[0]?.error;
    // Azure Managed Redis has database 0 only.
    const isOtherDatabase = name === 'select' && /^[1-9]\d*$/.test(args[1]?.toString('latin1') ?? '');
    return isOtherDatabase && product === 'managed' ? 'ERR DB index is out of range' : undefined;
  }
}
