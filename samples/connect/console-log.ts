import { timeOf } from '../shared/report-events.js';

/** Prints a line for each event, and between them a sign for each command. */
export class ConsoleLog {
  #isInLine = false;

  /** Adds a sign to the current line. */
  sign(sign: string): void {
    process.stdout.write(sign);
    this.#isInLine = true;
  }

  line(text: string): void {
    if (this.#isInLine) process.stdout.write('\n');
    this.#isInLine = false;
    console.log(text);
  }

  /** A line that begins with the time. */
  event(text: string): void {
    this.line(`${timeOf(new Date())} ${text}`);
  }
}
