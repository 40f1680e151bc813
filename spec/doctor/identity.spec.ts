import { expect } from 'chai';
import type { DiagnoseOptions } from '../../doctor/index.js';
import { type Finding, sectionOf } from '../../doctor/finding.js';
import { contextOf } from '../../doctor/options.js';
import { reportClock } from '../../doctor/token.js';
import { type Application, EntraEmulator } from '../../emulator/index.js';
import { findingsOf, NOWHERE, type Findings } from './support/findings.js';

const VARIABLES = [
  'AZURE_AUTHORITY_HOST',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'AZURE_TENANT_ID',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
] as const;

describe('diagnose: identity', () => {
  let entra: EntraEmulator;
  let application: Application;
  let clientSecret: string;
  let environment: Record<string, string | undefined>;

  before(async () => {
    entra = await EntraEmulator.start();
    entra.trust();
    application = entra.addApplication();
    clientSecret = application.addSecret();
  });
  after(() => entra.stop());
  beforeEach(() => {
    environment = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
    for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
    process.env['AZURE_AUTHORITY_HOST'] = entra.authorityHost;
  });
  afterEach(() => {
    entra.restored();
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  function diagnoseIdentity(options: Partial<DiagnoseOptions> = {}): Promise<Findings> {
    return findingsOf({ ...NOWHERE, ...options }, [clientSecret]);
  }

  function principal(changes: { tenantId?: string; clientId?: string; clientSecret?: string } = {}) {
    return {
      servicePrincipal: {
        tenantId: entra.tenantId,
        clientId: application.clientId,
        clientSecret,
        ...changes,
      },
    };
  }

  it('describes a service principal: type, object id, tenant, audience, lifetime and clock', async () => {
    const findings = await diagnoseIdentity(principal());
    expect(findings.one('identity', 'credential').message).to.match(
      /^The service principal, with a secret, returned a token/,
    );
    expect(findings.one('identity', 'identity').data).to.deep.equal({
      objectId: application.objectId,
      tenantId: entra.tenantId,
      type: `service principal of application ${application.clientId}`,
      username: application.objectId,
    });
    expect(findings.one('identity', 'audience')).to.include({
      status: 'ok',
      message: 'The token is for https://redis.azure.com.',
    });
    expect(findings.one('identity', 'lifetime').message).to.match(/in (59|60) min/);
    const clock = findings.one('identity', 'clock');
    expect(clock.status).to.equal('ok');
    expect(clock.message).to.include(`that of ${entra.authorityHost}`);
  });

  const refusals = [
    {
      fault: 'a wrong secret',
      changes: { clientSecret: 'wrong' },
      code: 'AADSTS7000215',
      remedy: /Use the "Value"/,
    },
    {
      fault: 'an unknown application',
      changes: { clientId: '00000000-0000-0000-0000-000000000001' },
      code: 'AADSTS700016',
      remedy: /Check clientId/,
    },
    {
      fault: 'a wrong tenant',
      changes: { tenantId: 'nowhere.onmicrosoft.com' },
      code: 'AADSTS90002',
      remedy: /Check tenantId/,
    },
  ];
  for (const { fault, changes, code, remedy } of refusals) {
    it(`reports ${fault} in Entra's own words, with what they mean`, async () => {
      const finding = (await diagnoseIdentity(principal(changes))).one('identity', 'credential');
      expect(finding.status).to.equal('error');
      expect(finding.message).to.include(code);
      expect(finding.remedy).to.match(remedy);
      expect(finding.data).to.deep.equal({ code: 'TOKEN_REFUSED' });
    });
  }

  it('reports an expired secret', async () => {
    const finding = (await diagnoseIdentity(principal({ clientSecret: application.addSecret(-1) }))).one(
      'identity',
      'credential',
    );
    expect(finding.message).to.include('AADSTS7000222');
    expect(finding.remedy).to.include('has expired');
  });

  it('reports an identity service that is down, and checks the rest', async () => {
    entra.down();
    const findings = await diagnoseIdentity(principal());
    expect(findings.one('identity', 'credential').status).to.equal('error');
    expect(findings.one('identity', 'credential').remedy).to.include('could not be reached');
    expect(findings.one('identity', 'clock').status).to.equal('skipped');
    expect(findings.one('login', 'auth').status).to.equal('skipped');
  });

  it('reports an identity service that does not answer', async () => {
    entra.hanging();
    const finding = (await diagnoseIdentity({ ...principal(), timeout: 2_000 })).one(
      'identity',
      'credential',
    );
    expect(finding.message).to.equal(
      'The service principal, with a secret, returned no token: no answer within 600 ms.',
    );
    expect(finding.remedy).to.include('could not be reached');
  });

  it('reports in one line what a credential says in several', async () => {
    const credential = { getToken: () => Promise.reject(new Error('first line\n\n  second line')) };
    const { message } = (await diagnoseIdentity({ credential })).one('identity', 'credential');
    expect(message).to.equal('The credential returned no token: first line second line.');
  });

  it('describes a managed identity', async () => {
    const { objectId, resourceId } = entra.addManagedIdentity('systemAssigned');
    Object.assign(process.env, entra.imdsEnvironment);
    const findings = await diagnoseIdentity({ managedIdentity: true });
    expect(findings.one('identity', 'credential').message).to.include(
      'The managed identity endpoint returned a token',
    );
    expect(findings.one('identity', 'identity').data).to.include({
      objectId,
      type: `system-assigned managed identity ${resourceId}`,
    });
  });

  it('reports a user-assigned managed identity that is not assigned', async () => {
    Object.assign(process.env, entra.imdsEnvironment);
    const managedIdentity = { clientId: '00000000-0000-0000-0000-000000000002' };
    const finding = (await diagnoseIdentity({ managedIdentity })).one('identity', 'credential');
    expect(finding.message).to.include('Identity not found');
    expect(finding.remedy).to.include('Assign this managed identity');
  });

  it('names every credential of DefaultAzureCredential that gave no token, with the reason, and the one that did', async () => {
    const { objectId } = entra.addManagedIdentity('systemAssigned');
    Object.assign(process.env, entra.imdsEnvironment);
    const findings = await diagnoseIdentity();
    const chain = findings.of('identity', 'chain').map(({ status, data }) => [data?.['credential'], status]);
    expect(chain).to.deep.equal([
      ['EnvironmentCredential', 'info'],
      ['WorkloadIdentityCredential', 'info'],
      ['ManagedIdentityCredential', 'ok'],
    ]);
    expect(findings.of('identity', 'chain')[0]?.message).to.include('EnvironmentCredential is unavailable');
    expect(findings.one('identity', 'credential').message).to.include(
      'ManagedIdentityCredential returned a token',
    );
    expect(findings.one('identity', 'identity').data).to.include({ objectId });
  });

  it('reports a credential whose token cannot be used', async () => {
    const credential = {
      getToken: () => Promise.resolve({ token: 'opaque', expiresOnTimestamp: Date.now() + 60_000 }),
    };
    const finding = (await diagnoseIdentity({ credential })).one('identity', 'credential');
    expect(finding.message).to.include('not a JSON Web Token');
    expect(finding.data).to.deep.equal({ code: 'TOKEN_INVALID' });
  });

  describe('the clock', () => {
    function clockFinding(ahead: number): Finding | undefined {
      const findings: Finding[] = [];
      const context = contextOf(
        { ...NOWHERE, authorityHost: 'https://login.microsoftonline.com' },
        new AbortController().signal,
      );
      reportClock(
        ahead,
        sectionOf('identity', context, (finding) => findings.push(finding)),
      );
      return findings[0];
    }

    it('is right within half a minute', () => {
      expect(clockFinding(-20_000)?.status).to.equal('ok');
    });

    it('is warned of beyond, and an error beyond the five minutes that Entra tolerates', () => {
      expect(clockFinding(-60_000)).to.include({
        status: 'warning',
        message: 'The local clock is 60.0 s behind that of https://login.microsoftonline.com.',
      });
      expect(clockFinding(600_000)).to.include({ status: 'error', severity: 'high' });
      expect(clockFinding(600_000)?.message).to.include('600.0 s ahead of');
    });
  });
});
