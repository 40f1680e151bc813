import type { Redis } from 'ioredis';
import { configureForAzure, Multiplexer, type ConfiguredRedisOptions } from '../../lib/index.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { VARIANTS, type Variant } from '../../spec/support/ioredis-versions.js';
import { Network } from '../../spec/support/network.js';
import { ProgrammableCredential } from '../../spec/support/programmable-credential.js';
import { Ledger } from '../ledger.js';
import type { Random } from '../random.js';
import { ComingAndGoing } from '../workloads/coming-and-going.js';
import { Counting } from '../workloads/counting.js';
import { Messages, type Receiver } from '../workloads/messages.js';
import { Popping } from '../workloads/popping.js';
import { Transactions } from '../workloads/transactions.js';
import type { Surroundings, Workload } from '../workloads/workload.js';
import { SETTINGS, TOKEN_LIFETIME, type Population } from './population.js';
import { singleServerFaults } from './single-server-faults.js';

const CHANNEL = 'news';

/** Clients of every kind of a cache with one server, behind a network that fails. */
export async function startSingleServer(
  random: Random,
): Promise<Population & { comingAndGoing: ComingAndGoing }> {
  const name = 'one server';
  const azure = await AzureRedisEmulator.start({ tokenLifetime: TOKEN_LIFETIME });
  const network = await Network.to(azure.port);
  const ledger = new Ledger(name);
  const identity = azure.credential();
  const credential = new ProgrammableCredential(identity);
  const options = await configureForAzure({
    host: azure.host,
    port: network.port,
    tls: { ca: azure.ca },
    credential,
    ...SETTINGS,
  });
  const { authenticator } = options;
  ledger.observe(authenticator);
  ledger.observeRefusals(azure);
  const around: Surroundings = { call: (...command) => azure.server.call(...command), ledger, random };
  const clients: Redis[] = [];
  const multiplexers: Multiplexer[] = [];
  const receivers: Receiver[] = [];
  const workloads: Workload[] = [];
  const connect = (variant: Variant): Redis => {
    const client = clientOf(variant, options);
    clients.push(client);
    return client;
  };
  for (const variant of VARIANTS) {
    const { name: version, protocol } = variant;
    workloads.push(new Counting(connect(variant), version, around));
    workloads.push(new Transactions(connect(variant), connect(variant), around));
    workloads.push(new Popping(connect(variant), version, around));
    const subscriber = connect(variant);
    const received: number[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(Number(message)));
    await subscriber.subscribe(CHANNEL);
    receivers.push({
      name: `a subscriber of ${version}`,
      isExact: protocol === 3,
      received,
    });
  }
  for (const protocol of [2, 3] as const) {
    const multiplexer = await Multiplexer.connect({ ...options, protocol });
    multiplexers.push(multiplexer);
    const received: number[] = [];
    await multiplexer.subscribe(CHANNEL, (message) => received.push(Number(message)));
    receivers.push({ name: `a multiplexer over RESP${protocol}`, isExact: true, received });
  }
  const comingAndGoing = new ComingAndGoing(VARIANTS, options, around);
  return {
    name,
    azure,
    authenticators: [authenticator],
    ledger,
    workloads: [...workloads, new Messages('PUBLISH', CHANNEL, receivers, around), comingAndGoing],
    comingAndGoing,
    size: clients.length + 2 * multiplexers.length,
    faults: () => singleServerFaults({ azure, network, identity, credential, random }),
    async end() {
      for (const client of clients) client.disconnect();
      await Promise.all(multiplexers.map((multiplexer) => multiplexer.close()));
      ledger.count('token requests at a time', credential.mostAtOnce);
      if (credential.mostAtOnce > 1) ledger.violate(`${credential.mostAtOnce} token requests at a time`);
    },
    async stop() {
      await network.close();
      await azure.stop();
    },
  };
}

function clientOf({ Redis, protocol }: Variant, options: ConfiguredRedisOptions): Redis {
  const client = new Redis({ ...options, protocol });
  client.on('error', () => undefined);
  return client;
}
