import type { AzureRedisEmulator, EmulatorCredential } from '../../emulator/index.js';
import type { Network } from '../../spec/support/network.js';
import type { ProgrammableCredential } from '../../spec/support/programmable-credential.js';
import type { Random } from '../random.js';
import {
  droppedConnections,
  NO_FAULT,
  RECONNECTION,
  RECOVERY,
  roleWithoutSubscriptions,
  SILENCE,
  type Fault,
} from './fault.js';

/** What can go wrong where. */
export interface Places {
  readonly azure: AzureRedisEmulator;
  readonly network: Network;
  readonly identity: EmulatorCredential;
  readonly credential: ProgrammableCredential;
  readonly random: Random;
}

/** Long enough for a token to end in it. */
const BEYOND_EXPIRY = [7_000, 9_000] as const;

/** The faults of a cache with one server, for tokens that live six seconds and are refreshed after two. */
export function singleServerFaults({
  azure,
  network,
  identity,
  credential,
  random,
}: Places): readonly Fault[] {
  const restoreIdentity = (): void => {
    azure.identityRestored();
    credential.restore();
  };
  const restoreNetwork = (): void => {
    network.restore();
  };
  const ofIdentity = { breaks: false, recovery: RECOVERY, end: restoreIdentity };
  const ofNetwork = { breaks: true, recovery: RECONNECTION, end: restoreNetwork };
  return [
    NO_FAULT,
    {
      ...ofIdentity,
      name: 'identity service down for a moment',
      duration: [100, 1_500],
      begin() {
        azure.identityDown();
      },
    },
    {
      ...ofIdentity,
      name: 'identity service down beyond the expiry',
      duration: BEYOND_EXPIRY,
      breaks: true,
      begin() {
        azure.identityDown();
      },
    },
    {
      ...ofIdentity,
      name: 'identity service slow',
      duration: [1_000, 4_000],
      begin() {
        azure.identitySlow(400);
      },
    },
    {
      ...ofIdentity,
      name: 'identity service throttling',
      duration: [100, 1_000],
      begin() {
        azure.identityThrottling({ retryAfter: 1_000 });
      },
    },
    {
      ...ofIdentity,
      name: 'identity service answering nothing useful',
      duration: [100, 1_500],
      begin() {
        credential.answerWith(() => Promise.resolve({ token: 'rubbish', expiresOnTimestamp: Number.NaN }));
      },
    },
    {
      ...ofIdentity,
      name: 'event loop blocked',
      duration: [0, 0],
      begin() {
        const end = performance.now() + 700;
        while (performance.now() < end);
      },
    },
    {
      ...ofNetwork,
      name: 'replies late',
      breaks: false,
      duration: [1_000, 3_000],
      begin() {
        network.delayReplies(150);
      },
    },
    droppedConnections(azure),
    {
      ...ofNetwork,
      name: 'endpoint down',
      duration: [500, 3_000],
      begin() {
        network.goDown();
      },
    },
    {
      ...ofNetwork,
      name: 'network silent',
      duration: [500, 6_000],
      // A login that the network holds up arrives after its token has expired.
      refuses: true,
      begin() {
        network.goSilent();
      },
    },
    {
      ...ofNetwork,
      name: 'connections half-open',
      duration: [0, 0],
      recovery: SILENCE,
      begin() {
        network.loseServerSides();
      },
    },
    {
      ...ofNetwork,
      name: 'connections silent',
      duration: [0, 0],
      recovery: SILENCE,
      begin() {
        network.loseServerSides(() => random.between(0, 1) < 0.5);
      },
    },
    {
      ...ofNetwork,
      name: 'replies lost',
      duration: [0, 0],
      recovery: SILENCE,
      begin() {
        network.loseReplies(() => random.between(0, 1) < 0.5);
      },
    },
    {
      ...ofNetwork,
      name: 'logins refused',
      refuses: true,
      duration: [500, 4_000],
      begin() {
        azure.refuseLogins();
      },
      end() {
        azure.acceptLogins();
      },
    },
    {
      ...ofNetwork,
      name: 'access policy taken away',
      refuses: true,
      duration: [500, 3_000],
      begin: () => azure.removeAccess(identity.oid),
      end: () => azure.assignRole(identity.oid, 'Data Owner'),
    },
    roleWithoutSubscriptions(azure, identity),
    {
      ...ofNetwork,
      name: 'writes held back',
      duration: [1_000, 7_000],
      begin: () => azure.server.call('CLIENT', 'PAUSE', '7000', 'WRITE'),
      end: () => azure.server.call('CLIENT', 'UNPAUSE'),
    },
  ];
}
