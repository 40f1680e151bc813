import { exists, hasFlag } from '@ioredis/commands';
import type { Command } from './client.js';

/** Commands that concern the connection or the state of the server alone. */
const ANSWERED_AT_ONCE =
  /^(?:ping|auth|hello|select|client|info|cluster|readonly|asking|quit|[ps]?(?:un)?subscribe)$/i;

/** Commands in O(1) that Redis does not call fast, since they may have to free a large value. */
const FAST = /^p?set(?:ex)?$/;

/** Whether a working server answers the command at once, whatever its data and load. */
export function isAnsweredAtOnce({ name }: Command): boolean {
  return ANSWERED_AT_ONCE.test(name);
}

/** Whether Redis calls the command fast, by the flags that ioredis itself reads. Others may take any time. */
export function isFast(command: Command): boolean {
  const name = command.name.toLowerCase();
  return FAST.test(name) || (exists(name) && hasFlag(name, 'fast'));
}
