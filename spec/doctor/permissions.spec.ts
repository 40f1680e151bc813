import { Redis } from 'ioredis';
import { expect } from 'chai';
import type { Role } from '../../emulator/index.js';
import { RawCache } from '../support/raw-cache.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { findingsOf, withoutAuthority } from './support/findings.js';

describe('diagnose: permissions', () => {
  withoutAuthority();

  describe('by trials, as on Azure', () => {
    const cache = RawCache.forAll();
    const roles: readonly (readonly [Role, permitted: readonly string[], infoStatus: string])[] = [
      ['Data Owner', ['reads', 'writes', 'pub/sub', 'scripts', 'blocking', 'dangerous'], 'ok'],
      ['Data Contributor', ['reads', 'writes', 'pub/sub', 'scripts', 'blocking'], 'warning'],
      ['Data Reader', ['reads'], 'warning'],
    ];
    for (const [role, permitted, infoStatus] of roles) {
      it(`recognises ${role}, and leaves nothing behind`, async () => {
        const credential = cache.azure.credential({ role });
        const findings = await findingsOf({ ...cache.azure.options, credential });
        const { message, data = {} } = findings.one('permissions', 'role');
        expect(message).to.include(`The role is like ${role}:`);
        const found = Object.keys(data).filter((name) => data[name] === true);
        expect(found).to.deep.equal(permitted);
        expect(data['method']).to.equal('trials on a temporary key');
        expect(findings.one('permissions', 'info').status).to.equal(infoStatus);
        expect(findings.one('permissions', 'user').message).to.include(credential.oid);
        expect(await cache.azure.server.call('DBSIZE')).to.equal(0);
      });
    }

    it('reports an endpoint that leads to a replica, as after a failover', async () => {
      await cache.azure.server.call('REPLICAOF', '127.0.0.1', '1');
      try {
        const finding = (await findingsOf({ ...cache.azure.options })).one('permissions', 'connection');
        expect(finding.message).to.include('READONLY');
        expect(finding.why).to.include('failover');
      } finally {
        await cache.azure.server.call('REPLICAOF', 'NO', 'ONE');
      }
    });

    it('adds what the role needs to the snippet', async () => {
      const credential = cache.azure.credential({ role: 'Data Contributor' });
      const { snippet } = (await findingsOf({ ...cache.azure.options, credential })).one('kind', 'kind');
      expect(snippet)
        .to.include('new Redis(await configureForAzure({')
        .and.include('enableReadyCheck: false');
    });

    it('advises a lesser role than Data Owner on Azure Cache for Redis', async () => {
      const resourceId = '/subscriptions/s/resourceGroups/rg1/providers/Microsoft.Cache/redis/cache1';
      const findings = await findingsOf({
        ...cache.azure.options,
        resourceId,
        managementEndpoint: 'https://127.0.0.1:1',
      });
      const { status, severity, command } = findings.one('permissions', 'role');
      expect({ status, severity }).to.deep.equal({ status: 'warning', severity: 'low' });
      expect(command).to.include("'Data Contributor'").and.include('--name cache1');
    });
  });

  describe('by ACL DRYRUN, where it is permitted', () => {
    let server: RedisOnTcp;
    let admin: Redis;

    before(async () => {
      server = await RedisOnTcp.start();
      admin = new Redis({ host: server.host, port: server.port, password: server.password });
    });
    after(async () => {
      await admin.quit();
      await server.stop();
    });

    it('finds out what a user may do without doing it', async () => {
      const accessKey = 'password-of-the-limited-user';
      await admin.call(
        'ACL',
        'SETUSER',
        'limited',
        'on',
        `>${accessKey}`,
        '~*',
        '&*',
        '+@read',
        '+@connection',
        '+acl|dryrun',
        '+acl|whoami',
      );
      const { host, port } = server;
      const findings = await findingsOf({ host, port, tls: false, accessKey, username: 'limited' }, [
        accessKey,
      ]);
      expect(findings.one('permissions', 'role').data).to.include({
        method: 'ACL DRYRUN',
        reads: true,
        writes: false,
        dangerous: false,
      });
      expect(findings.one('tls', 'version').status).to.equal('skipped');
    });

    it('reports a cache that needs no login at all', async () => {
      await admin.call('ACL', 'SETUSER', 'default', 'nopass');
      const { host, port } = server;
      const findings = await findingsOf({ host, port, tls: false, accessKey: 'any-key-will-do' });
      expect(findings.one('posture', 'default-user')).to.include({ status: 'error', severity: 'high' });
    });
  });
});
