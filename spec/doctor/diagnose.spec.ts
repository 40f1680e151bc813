import { expect } from 'chai';
import { diagnose, type DiagnoseOptions } from '../../doctor/index.js';
import { rejection } from '../support/rejection.js';
import { NOWHERE, withoutAuthority } from './support/findings.js';
import { BlackHole } from './support/black-hole.js';

describe('diagnose', () => {
  withoutAuthority();

  const mistakes: readonly (readonly [string, unknown, string])[] = [
    ['no options', undefined, 'INVALID_OPTION'],
    ['no host', { port: 1 }, 'INVALID_HOST'],
    ['a URL for a host', { host: 'rediss://my-cache' }, 'INVALID_HOST'],
    ['no port of a host that implies none', { host: 'example.com' }, 'MISSING_PORT'],
    ['two identities', { ...NOWHERE, managedIdentity: true, accessKey: 'key' }, 'CONFLICTING_OPTIONS'],
    ['plain TCP to another machine', { ...NOWHERE, host: 'example.com' }, 'INSECURE_CONNECTION'],
    ['a timeout of 0', { ...NOWHERE, timeout: 0 }, 'INVALID_OPTION'],
    ['a plain port that is none', { ...NOWHERE, plainPort: 70_000 }, 'INVALID_OPTION'],
    ['DNS servers by name', { ...NOWHERE, dnsServers: ['dns.example.com'] }, 'INVALID_OPTION'],
    ['the resource id of another service', { ...NOWHERE, resourceId: '/subscriptions/1' }, 'INVALID_OPTION'],
    [
      'a management endpoint without TLS',
      {
        ...NOWHERE,
        resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/redis/c',
        managementEndpoint: 'http://localhost',
      },
      'INVALID_OPTION',
    ],
  ];
  for (const [name, options, code] of mistakes) {
    it(`rejects ${name} at once, as a mistake of the caller`, async () => {
      // JavaScript, which knows no types, may pass anything.
      const error = await rejection(diagnose(options as DiagnoseOptions));
      expect(error.code).to.equal(code);
      expect(error.hint).not.to.equal('');
    });
  }

  it('ends early, with the reason of its signal', async () => {
    const hole = await BlackHole.open();
    const controller = new AbortController();
    const reason = new Error('no longer needed');
    try {
      const diagnosis = diagnose({
        host: '127.0.0.1',
        port: hole.port,
        tls: false,
        accessKey: 'an-access-key',
        timeout: 600_000,
        signal: controller.signal,
      });
      setImmediate(() => {
        controller.abort(reason);
      });
      await diagnosis.then(
        () => expect.fail('expected a rejection'),
        (error: unknown) => {
          expect(error).to.equal(reason);
        },
      );
    } finally {
      await hole.close();
    }
  });

  it('ends within its time, and says what was not checked', async () => {
    const start = performance.now();
    const findings = await diagnose({
      ...NOWHERE,
      credential: { getToken: () => new Promise(() => undefined) },
      acquireTimeout: 60_000,
      timeout: 1_000,
    });
    expect(performance.now() - start).to.be.within(950, 30_000);
    const [failed, ...skipped] = findings.slice(findings.findIndex(({ check }) => check === 'timeout'));
    expect(failed).to.include({
      status: 'error',
      message: 'The diagnosis was ended after 1000 ms, its time limit.',
    });
    expect(findings.at(-1)).to.include({ section: 'liveness', status: 'skipped' });
    expect(skipped.map(({ message }) => message)).to.satisfy((messages: readonly string[]) =>
      messages.every((message) => message === 'The time limit was reached.'),
    );
  });

  it('does not begin with a signal that has been aborted', async () => {
    const reason = new Error('too late');
    const found: unknown[] = [];
    await diagnose({
      ...NOWHERE,
      accessKey: 'k',
      signal: AbortSignal.abort(reason),
      onFinding: (finding) => found.push(finding),
    }).then(
      () => expect.fail('expected a rejection'),
      (error: unknown) => {
        expect(error).to.equal(reason);
      },
    );
    expect(found).to.deep.equal([]);
  });
});
