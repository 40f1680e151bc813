import type { TlsOptions } from 'node:tls';
import { expect } from 'chai';
import type { DiagnoseOptions } from '../../doctor/index.js';
import { findingsOf, withoutAuthority, type Findings } from './support/findings.js';
import { issueCertificate, Servers, type IssuedCertificate } from './support/tls-servers.js';

const ACCESS_KEY = 'an-access-key-of-the-spec';
const DAY = 86_400_000;

describe('diagnose: TLS', () => {
  withoutAuthority();
  const servers = Servers.forEach();
  let valid: IssuedCertificate;

  before(async () => {
    valid = await issueCertificate();
  });

  function diagnosePort(port: number, ca?: string, more: Partial<DiagnoseOptions> = {}): Promise<Findings> {
    return findingsOf(
      {
        host: 'localhost',
        port,
        accessKey: ACCESS_KEY,
        ...(ca !== undefined && { tls: { ca } }),
        ...more,
      },
      [ACCESS_KEY],
    );
  }

  async function diagnoseServer(certificate: IssuedCertificate, options: TlsOptions = {}): Promise<Findings> {
    return diagnosePort(await servers.tls({ ...certificate, ...options }), certificate.ca);
  }

  function expectNothingSent(findings: Findings): void {
    expect(findings.one('login', 'auth')).to.include({
      status: 'skipped',
      message: 'Credentials are not sent to a server that did not pass the TLS checks.',
    });
    expect(servers.received).not.to.include(ACCESS_KEY);
  }

  it('describes version, cipher, chain, names and expiry of a valid certificate', async () => {
    const findings = await diagnoseServer(valid);
    expect(findings.one('tls', 'version').message).to.match(/^TLSv1\.3 with TLS_\w+\.$/);
    expect(findings.one('tls', 'chain').data?.['chain']).to.deep.equal(['localhost', 'Spec CA']);
    expect(findings.one('tls', 'name').message).to.include('valid for localhost');
    expect(findings.one('tls', 'expiry')).to.include({ status: 'ok' });
    expect(findings.one('tls', 'old-versions')).to.include({ status: 'ok' });
    expect(findings.one('tls', 'plain-port')).to.include({ status: 'ok' });
  });

  it('reports an expired certificate, and sends nothing secret', async () => {
    const certificate = await issueCertificate({
      notBefore: new Date(Date.now() - 10 * DAY),
      notAfter: new Date(Date.now() - DAY),
    });
    const findings = await diagnoseServer(certificate);
    expect(findings.one('tls', 'expiry').status).to.equal('error');
    expect(findings.one('tls', 'expiry').message).to.include('expired on');
    expect(findings.one('tls', 'chain').status).to.equal('skipped');
    expectNothingSent(findings);
  });

  it('warns of a certificate that expires soon', async () => {
    const certificate = await issueCertificate({ notAfter: new Date(Date.now() + 3.5 * DAY) });
    const finding = (await diagnoseServer(certificate)).one('tls', 'expiry');
    expect(finding).to.include({ status: 'warning', severity: 'medium' });
    expect(finding.message).to.include('in 3 days');
  });

  it('reports a certificate for another name, and sends nothing secret', async () => {
    const findings = await diagnoseServer(await issueCertificate({ name: 'other.example.com' }));
    const { status, message, remedy } = findings.one('tls', 'name');
    expect(status).to.equal('error');
    expect(message).to.equal('The certificate is not valid for localhost; its names are other.example.com.');
    expect(remedy).to.include('Use the host name of the cache');
    expectNothingSent(findings);
  });

  it('reports a certificate of an unknown authority, and sends nothing secret', async () => {
    const findings = await diagnosePort(await servers.tls(valid));
    const { status, message, remedy } = findings.one('tls', 'chain');
    expect(status).to.equal('error');
    expect(message).to.include('is not trusted: the certificate authority is unknown');
    expect(remedy).to.include('--ca FILE');
    expectNothingSent(findings);
  });

  it('reports a server that speaks TLS 1.1 only', async () => {
    const findings = await diagnoseServer(valid, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const { status, message } = findings.one('tls', 'version');
    expect(status).to.equal('error');
    expect(message).to.equal('The endpoint supports TLS 1.0 and TLS 1.1 only.');
    expectNothingSent(findings);
  });

  it('warns of a server that still accepts TLS 1.0 and 1.1 beside newer versions', async () => {
    const findings = await diagnoseServer(valid, { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
    expect(findings.one('tls', 'version').status).to.equal('ok');
    expect(findings.one('tls', 'old-versions')).to.include({
      status: 'warning',
      message: 'The endpoint still accepts TLS 1.0 and TLS 1.1.',
    });
  });

  it('reports a port that is not TLS, where Redis answers in the clear', async () => {
    const port = await servers.tcp((socket) => {
      socket.on('data', () => socket.write('-NOAUTH Authentication required.\r\n'));
    });
    const findings = await diagnosePort(port);
    const version = findings.one('tls', 'version');
    expect(version.status).to.equal('error');
    expect(version.message).to.equal(`Redis answers without TLS on localhost:${port}: it is not a TLS port.`);
    expect(version.command).to.equal(undefined);
    expect(findings.of('tls').map(({ check }) => check)).to.deep.equal(['version']);
    expectNothingSent(findings);
  });

  it('reports a port that accepts connections and says nothing', async () => {
    const findings = await diagnosePort(await servers.tcp(() => undefined), undefined, { timeout: 10_000 });
    expect(findings.one('tls', 'version').message).to.include('ETIMEDOUT');
    expect(findings.one('tls', 'version').why).to.include('does not answer');
    expect(findings.of('posture').map(({ check }) => check)).to.deep.equal(['public-network']);
  });

  it('warns when Redis answers without TLS on the plain port', async () => {
    const port = await servers.tls(valid);
    const plainPort = await servers.tcp((socket) => {
      socket.on('data', () => socket.write('+PONG\r\n'));
    });
    const finding = (await diagnosePort(port, valid.ca, { plainPort })).one('tls', 'plain-port');
    expect(finding).to.include({ status: 'warning', severity: 'high' });
    expect(finding.data?.['ports']).to.deep.equal([plainPort]);
    // Azure does not know this machine.
    expect(finding.command).to.equal(undefined);
  });
});
