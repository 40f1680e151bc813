import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { nextWhere, past } from '../support/waiting.js';
import { ApplicationProcess } from './support/application-process.js';
import type { ApplicationReport } from './support/application.js';
import { createCaseFolder } from './support/case-folder.js';
import { expectNoSecret } from './support/secrecy.js';
import { allEnvironments } from './support/environments.js';

/** The lifetime of tokens, in ms, and the number of expiries. */
const LIFETIME = 20_000;
const EXPIRIES = 3;

interface Tried {
  readonly process: ApplicationProcess;
  readonly secrets: Readonly<Record<string, string>>;
  reports: readonly ApplicationReport[];
}

describe('each identity, through the real identity libraries, across token expiries', () => {
  const tried = new Map<string, Tried>();
  let entra: EntraEmulator;
  /** The number of tokens that were issued before the applications started. */
  let tokensBefore = 0;
  let caches: readonly AzureRedisEmulator[] = [];

  before(async function () {
    this.timeout(240_000);
    const folder = await createCaseFolder();
    entra = await EntraEmulator.start({ tokenLifetime: LIFETIME });
    caches = [await AzureRedisEmulator.start({ entra }), await AzureRedisEmulator.start({ entra })];
    const grant = async (objectId: string): Promise<void> => {
      await Promise.all(caches.map((cache) => cache.assignRole(objectId, 'Data Owner')));
    };
    try {
      const systemAssigned = entra.addManagedIdentity('systemAssigned');
      await grant(systemAssigned.objectId);
      for (const [where, environment] of Object.entries(allEnvironments)) {
        const prepared = await environment.prepare({ entra, grant, systemAssigned, folder: folder.path });
        const applications = prepared.identities.map((identity, index) => ({
          name: `${where}, ${environment.names[index] ?? ''}`,
          identity,
          caches: caches.map(({ options: { host, port, tls } }) => ({ host, port, tls })),
        }));
        const process = new ApplicationProcess(applications, prepared.environment);
        tried.set(where, { process, secrets: prepared.secrets, reports: [] });
      }
      const all = [...tried.values()];
      // Loading the libraries keeps the machine busy: no token must expire meanwhile.
      await Promise.all(all.map(({ process }) => process.prepare()));
      tokensBefore = entra.statistics.tokens.length;
      await Promise.all(all.map(({ process }) => process.start()));
      for (const cache of caches) await liveThrough(EXPIRIES, cache);
      await Promise.all(
        all.map(async (one) => {
          one.reports = await one.process.finish();
        }),
      );
    } finally {
      await folder.remove();
    }
  });
  after(async () => {
    await Promise.all([...tried.values()].map(({ process }) => process.stop()));
    await Promise.all(caches.map((cache) => cache.stop()));
    await entra.stop();
  });

  for (const [where, { names, secretNames }] of Object.entries(allEnvironments)) {
    describe(where, () => {
      for (const [index, name] of names.entries()) {
        it(`runs every command without a failed login or token request: ${name}`, () => {
          const report = tried.get(where)?.reports[index];
          expect(report?.failures).to.deep.equal([]);
          expect(report?.answered).to.be.above(EXPIRIES * VARIANTS.length * caches.length);
          expect(new Set(report?.expiries).size, 'new tokens').to.be.at.least(EXPIRIES);
        });
      }

      it('writes no token to its logs', () => {
        const output = tried.get(where)?.process.output;
        // The logs that are searched cover the whole life cycle.
        expect(output).to.match(/ioredis-azure:authenticator tokenRefreshed/);
        expect(output).to.match(/ioredis-azure:authenticator reauthenticated/);
        expect(output).to.not.match(/eyJ[\w-]{20}/);
      });

      if (secretNames.length > 0) {
        it(`writes none of its secrets to its logs: ${secretNames.join(', ')}`, () => {
          const { process, secrets = {} } = tried.get(where) ?? {};
          expect(secrets).to.have.all.keys(...secretNames);
          expectNoSecret(process?.output, secrets);
        });
      }
    });
  }

  const applications = Object.values(allEnvironments).flatMap(({ names }) => names).length;

  it('keeps each connection open, without a rejected login', () => {
    for (const { statistics } of caches) {
      expect(statistics.connections).to.have.length(applications * VARIANTS.length);
      expect(statistics.evictions).to.deep.equal([]);
      expect(statistics.refusals).to.deep.equal([]);
    }
  });

  it('makes one token request for each refresh, for all connections to both caches', () => {
    const reports = [...tried.values()].flatMap(({ reports: ofProcess }) => ofProcess);
    const refreshes = reports.reduce((sum, { expiries }) => sum + expiries.length, 0);
    // Each application may have begun a refresh when it was told to finish.
    expect(entra.statistics.tokens.length - tokensBefore).to.be.within(
      applications + refreshes,
      applications + refreshes + applications,
    );
  });
});

/** Resolves once every connection of a cache has outlived this number of tokens. */
async function liveThrough(expiries: number, cache: AzureRedisEmulator): Promise<void> {
  const outlived = (): readonly (Date | undefined)[] => {
    const { open, logins } = cache.statistics;
    return open.map(({ id }) => {
      const ends = logins.filter((login) => login.connection === id).map(({ expiresOn }) => expiresOn);
      // The last one has not expired yet.
      return ends.slice(0, -1)[expiries - 1];
    });
  };
  await nextWhere(cache, 'login', () => outlived().every((end) => end !== undefined));
  for (const end of outlived()) if (end) await past(end);
}
