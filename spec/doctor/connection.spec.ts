import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { findingsOf, type Findings, withoutAuthority } from './support/findings.js';
import { Servers } from './support/tls-servers.js';

const ACCESS_KEY = 'an-access-key-of-the-spec';

/** Serves one command; `undefined` leaves it without a reply. */
type Serve = (name: string, socket: Socket) => Promise<string> | string | undefined;

describe('diagnose: a connection that', () => {
  withoutAuthority();
  const servers = Servers.forEach();

  async function diagnoseServer(serve: Serve, timeout = 50_000): Promise<Findings> {
    const port = await servers.tcp((socket) => {
      let replies = Promise.resolve();
      socket.on('data', (bytes: Buffer) => {
        for (const [, name = ''] of bytes.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
          replies = replies.then(async () => {
            const reply = await serve(name.toUpperCase(), socket);
            if (reply !== undefined && !socket.destroyed) socket.write(reply);
          });
        }
      });
    });
    const options = { host: '127.0.0.1', port, tls: false, accessKey: ACCESS_KEY, timeout } as const;
    return findingsOf(options, [ACCESS_KEY]);
  }

  function expectFailure(findings: Findings, reason: string): void {
    expect(findings.errors[0]).to.equal('permissions connection');
    expect(findings.one('permissions', 'connection').message).to.include(reason);
    expect(findings.one('kind', 'kind')).to.include({ status: 'skipped', message: 'The connection failed.' });
    expect(findings.one('liveness', 'liveness').status).to.equal('skipped');
  }

  it('is closed is reported as such, not as a role that permits everything', async () => {
    const findings = await diagnoseServer((name, socket) => {
      if (name === 'ACL') socket.destroy();
      return name === 'PING' ? '-NOAUTH Authentication required.\r\n' : '+OK\r\n';
    });
    expectFailure(findings, 'Connection is closed.');
  });

  it('does not answer is reported once, after one timeout', async () => {
    const findings = await diagnoseServer((name) => (name === 'ACL' ? undefined : '+OK\r\n'), 5_000);
    expect(findings.one('permissions', 'connection').message).to.include('Command timed out.');
    expect(findings.of('kind', 'connection').concat(findings.of('liveness', 'connection'))).to.deep.equal([]);
  });

  it('sends control characters does not reach the terminal with them', async () => {
    const findings = await diagnoseServer(() => '-ERR \u001b[2J\u0007\u007fhidden\r\n');
    expect(findings.one('login', 'auth').message).to.equal(
      'AUTH as default failed: ERR \u{fffd}[2J\u{fffd}\u{fffd}hidden.',
    );
  });

  it('is slow is measured for about a second, not for fifty round trips', async () => {
    const findings = await diagnoseServer(async (name) => {
      await sleep(100);
      return name === 'CLUSTER' ? '-ERR This instance has cluster support disabled\r\n' : '+OK\r\n';
    });
    expect(findings.one('liveness', 'latency').data?.['count']).to.be.within(1, 10);
  });
});
