import type { Activity } from '../../../cli/emulator/activity.js';
import type { Description } from '../../../cli/emulator/description.js';
import type { EmulatorIdentity } from '../../../cli/emulator/identities.js';
import { CommandProcess, type CommandResult } from './command-process.js';

/** An activity as a line of JSON has it. */
export type ActivityLine<Type extends Activity['type'] = Activity['type']> = Extract<
  Activity,
  { readonly type: Type }
>;

function activitiesIn(output: string): ActivityLine[] {
  const lines = output.split('\n').slice(1, -1);
  return lines.map((line) => JSON.parse(line) as ActivityLine);
}

/** `ioredis-azure emulator` in a process of its own. */
export class EmulatorProcess {
  readonly process: CommandProcess;
  readonly description: Description;

  private constructor(process: CommandProcess, description: Description) {
    this.process = process;
    this.description = description;
  }

  /** Resolves when it has started. Its ports are free ones. */
  static async start(...args: string[]): Promise<EmulatorProcess> {
    const command = new CommandProcess(['emulator', '--json', '--port', '0', ...args]);
    const [line] = await command.printed(/^\{"type":"ready".*(?=\n)/);
    return new EmulatorProcess(command, JSON.parse(line) as Description);
  }

  get ca(): { readonly NODE_EXTRA_CA_CERTS: string } {
    return { NODE_EXTRA_CA_CERTS: this.description.caFile };
  }

  identity(kind: EmulatorIdentity['kind']): EmulatorIdentity {
    const identity = this.description.identities.find((each) => each.kind === kind);
    if (!identity) throw new Error(`There is no ${kind}.`);
    return identity;
  }

  /** What has happened so far. */
  get activities(): ActivityLine[] {
    return activitiesIn(this.process.output);
  }

  /** What has happened to an identity so far. */
  activitiesOf(identity: string, type: Activity['type']): ActivityLine[] {
    return this.activities.filter(
      (each) => each.type === type && 'identity' in each && each.identity === identity,
    );
  }

  /** A token of a user-assigned identity from the endpoint of managed identities, by HTTP as in any language. */
  async acquireToken(clientId: string): Promise<string> {
    const { IDENTITY_ENDPOINT = '', IDENTITY_HEADER = '' } = this.description.environment;
    const query = `api-version=2019-08-01&resource=https://redis.azure.com&client_id=${clientId}`;
    const reply = await fetch(`${IDENTITY_ENDPOINT}?${query}`, {
      headers: { 'X-IDENTITY-HEADER': IDENTITY_HEADER },
    });
    return ((await reply.json()) as { access_token: string }).access_token;
  }

  /** Resolves when this many activities of a type have happened. */
  happened(type: Activity['type'], count = 1): Promise<ActivityLine[]> {
    return this.process.found((output) => {
      const activities = activitiesIn(output).filter((activity) => activity.type === type);
      return activities.length >= count ? activities : null;
    });
  }

  /** Runs a command that controls this emulator. */
  control(...args: string[]): Promise<CommandResult> {
    return CommandProcess.run(['emulator', ...args, '--port', String(this.description.port)]);
  }

  /** Ends it as Ctrl+C does. */
  stop(): Promise<CommandResult> {
    this.process.kill('SIGINT');
    return this.process.ended();
  }
}
