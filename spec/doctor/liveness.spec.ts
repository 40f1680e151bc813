import { expect } from 'chai';
import { configureForAzure } from '../../lib/index.js';
import { RawCache } from '../support/raw-cache.js';
import { until } from '../support/waiting.js';
import { findingsOf, withoutAuthority } from './support/findings.js';

describe('diagnose: liveness', () => {
  withoutAuthority();
  const cache = RawCache.forEach();

  it('refreshes, re-authenticates in place, measures PING and reconnects', async () => {
    const findings = await findingsOf(cache.azure.options);
    for (const check of ['refresh', 'reauthenticate', 'latency', 'reconnect']) {
      expect(findings.one('liveness', check).status, check).to.equal('ok');
    }
    const { p50, p95, p99 } = findings.one('liveness', 'latency').data ?? {};
    expect(p50).to.be.greaterThan(0);
    expect(p95).to.be.at.least(Number(p50));
    expect(p99).to.be.at.least(Number(p95));
    expect(cache.azure.statistics.tokensIssued).to.have.length(2);
  });

  it('re-authenticates with a cached token where the identity library gives no newer one', async () => {
    const credential = cache.azure.credential({ cacheTokens: true });
    const findings = await findingsOf({ ...cache.azure.options, credential });
    expect(findings.one('liveness', 'refresh').status).to.equal('info');
    expect(findings.one('liveness', 'reauthenticate').status).to.equal('ok');
  });

  it('reports a refresh that fails, although the first token was acquired', async () => {
    const credential = cache.azure.credential();
    const getToken = credential.getToken.bind(credential);
    credential.getToken = async (...args) => {
      const token = await getToken(...args);
      cache.azure.identityDown();
      return token;
    };
    const findings = await findingsOf({ ...cache.azure.options, credential });
    const { status, severity, remedy } = findings.one('liveness', 'refresh');
    expect({ status, severity }).to.deep.equal({ status: 'error', severity: 'high' });
    expect(remedy).to.include('could not be reached');
    expect(findings.one('liveness', 'reconnect').status).to.equal('ok');
  });

  it('leaves no connection open', async () => {
    await findingsOf(cache.azure.options);
    await until(() => cache.azure.statistics.open.length === 0);
  });

  it('uses a shared authenticator, and leaves it open', async () => {
    const { host, port, tls } = cache.azure.options;
    const { authenticator } = await configureForAzure(cache.azure.options);
    const findings = await findingsOf({ host, port, tls, authenticator });
    expect(findings.errors).to.deep.equal([]);
    await authenticator.refresh();
    authenticator.close();
  });
});
