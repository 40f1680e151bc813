import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Finding } from '../../doctor/index.js';
import { type Application, AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { CommandProcess, type CommandResult } from './support/command-process.js';

/** The output of `--json`. */
interface Report {
  readonly host: string;
  readonly summary: Readonly<Record<Finding['status'], number>>;
  readonly findings: readonly Finding[];
}

describe('ioredis-azure doctor', () => {
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let application: Application;
  let clientSecret: string;
  let folder: string;
  let caFile: string;

  before(async () => {
    entra = await EntraEmulator.start({ tokenLifetime: 4_000 });
    azure = await AzureRedisEmulator.start({ entra });
    application = entra.addApplication();
    clientSecret = application.addSecret();
    await azure.assignRole(application.objectId, 'Data Contributor');
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    caFile = join(folder, 'ca.pem');
    await writeFile(caFile, azure.ca);
  });
  after(async () => {
    await azure.stop();
    await entra.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The environment of an application that logs in with a secret, and of a machine outside Azure. */
  function environment(): Record<string, string> {
    return {
      AZURE_AUTHORITY_HOST: entra.authorityHost,
      NODE_EXTRA_CA_CERTS: entra.caFile,
      AZURE_TENANT_ID: entra.tenantId,
      AZURE_CLIENT_ID: application.clientId,
      AZURE_CLIENT_SECRET: clientSecret,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1',
    };
  }

  function endpoint(...flags: string[]): string[] {
    return ['doctor', azure.host, '--port', String(azure.port), '--ca', caFile, ...flags];
  }

  function expectNoSecret({ stdout, stderr }: CommandResult): void {
    for (const secret of ['eyJ', clientSecret]) expect(stdout + stderr).not.to.include(secret);
  }

  it('prints each section with what was seen and what to do, and exits with 0', async () => {
    const result = await CommandProcess.run(endpoint('--identity', 'client-secret'), environment());
    expect(result.stderr).to.equal('');
    expect(result.code, result.stdout).to.equal(0);
    expectNoSecret(result);
    const titles = result.stdout.split('\n').filter((line) => /^[A-Z]/.test(line));
    expect(titles).to.deep.equal([
      'Name and network',
      'TLS',
      'Identity',
      'Login',
      'Permissions',
      'Kind of cache',
      'Security posture',
      'Liveness',
    ]);
    expect(result.stdout)
      .to.include(`  ✓ 127.0.0.1:${azure.port} accepted a connection`)
      .and.include('  ! INFO is denied: the ready check of ioredis fails. (low)')
      .and.include('      → Set `enableReadyCheck: false`')
      .and.match(
        /      const redis = new Redis\(await configureForAzure\(.*servicePrincipal: \{ tenantId, clientId, clientSecret \}/,
      )
      .and.match(/\n\d+ checked, 0 errors, 1 warning/);
  });

  it('names the credential of DefaultAzureCredential that answers, as JSON', async () => {
    const result = await CommandProcess.run(endpoint('--json'), environment());
    expectNoSecret(result);
    const { host, summary, findings } = JSON.parse(result.stdout) as Report;
    expect(host).to.equal('localhost');
    expect(summary).to.include({ error: 0, warning: 1 });
    expect(
      findings
        .filter(({ check, section }) => check === 'chain' && section === 'identity')
        .map(({ section }) => section),
    ).to.include('identity');
    const answered = findings.find(
      ({ section, message }) => section === 'identity' && message.includes('returned a token after'),
    );
    expect(answered?.message).to.match(/^EnvironmentCredential returned a token/);
    expect(result.code).to.equal(0);
  });

  it("reports a wrong secret of the environment in Entra's own words, and exits with 1", async () => {
    const wrong = { ...environment(), AZURE_CLIENT_SECRET: 'a-wrong-secret-of-the-spec' };
    const result = await CommandProcess.run(endpoint('--json'), wrong);
    expect(result.code).to.equal(1);
    expect(result.stdout).not.to.include('a-wrong-secret-of-the-spec');
    const { findings } = JSON.parse(result.stdout) as Report;
    const { status, message, remedy } = findings.find(({ check }) => check === 'credential') ?? {};
    expect(status).to.equal('error');
    expect(message).to.include('AADSTS7000215');
    expect(remedy).to.include('Use the "Value" of the secret');
  });

  it('quotes Entra for the credential of DefaultAzureCredential that it refuses, and does not suggest `az login`', async () => {
    const wrong = { ...environment(), AZURE_CLIENT_SECRET: 'a-wrong-secret-of-the-spec' };
    const { stdout } = await CommandProcess.run(endpoint(), wrong);
    expect(stdout)
      .to.match(/ · EnvironmentCredential returned no token: AADSTS7000215: [^\n]*'\.\n/)
      .and.not.include('az login');
  });

  it('ends although a request to Entra is never answered', async () => {
    entra.hanging();
    const result = await CommandProcess.run(endpoint('--timeout', '10000'), environment());
    entra.restored();
    expect(result.stdout).to.include('EnvironmentCredential returned no token: no answer within 3000 ms.');
    expect(result.code).to.equal(1);
  });

  it('names every credential that was tried where none gives a token', async () => {
    // The credentials of a development machine, on one where nothing is installed.
    const result = await CommandProcess.run(endpoint('--json'), {
      AZURE_AUTHORITY_HOST: entra.authorityHost,
      AZURE_TOKEN_CREDENTIALS: 'dev',
      PATH: folder,
    });
    expect(result.code).to.equal(1);
    const { findings } = JSON.parse(result.stdout) as Report;
    expect(findings.find(({ check }) => check === 'credential')).to.include({
      message:
        'No credential of DefaultAzureCredential returned a token: VisualStudioCodeCredential, AzureCliCredential, AzurePowerShellCredential, AzureDeveloperCliCredential, BrokerCredential.',
      command: 'az login',
    });
    const links = findings.filter(({ section, check }) => section === 'identity' && check === 'chain');
    expect(links.map(({ data }) => data?.['credential'])).to.have.length(5);
    for (const { message } of links) expect(message).to.include('returned no token: ');
  });

  it('does not suggest `az login` where the scope is wrong', async () => {
    const result = await CommandProcess.run(endpoint('--json', '--scope', 'https://wrong.example/.default'), {
      AZURE_AUTHORITY_HOST: entra.authorityHost,
      AZURE_TOKEN_CREDENTIALS: 'dev',
      PATH: folder,
    });
    const { findings } = JSON.parse(result.stdout) as Report;
    const { remedy, command } = findings.find(({ check }) => check === 'credential') ?? {};
    expect(remedy).to.include(
      'Remove `scope` (`--scope`): Azure Redis needs https://redis.azure.com/.default.',
    );
    expect(command).to.equal(undefined);
  });

  it('reports a managed identity that is asked for outside Azure', async () => {
    const result = await CommandProcess.run(endpoint('--identity', 'system-assigned'), environment());
    expect(result.code).to.equal(1);
    expect(result.stdout).to.include('A managed identity works only inside Azure');
    expect(result.stdout).to.include('No token was acquired.');
  });

  it('goes on with --watch: reports refreshes, re-authentications and drops, until Ctrl+C', async () => {
    const command = new CommandProcess(endpoint('--identity', 'client-secret', '--watch'), environment());
    await command.printed(/The connection is open and logged in\./);
    await command.printed(/A new token was acquired; it expires at /);
    await command.printed(/localhost:\d+ was re-authenticated in place\./);
    azure.dropConnections();
    await command.printed(/The connection was closed\.[^]*The connection is open and logged in\./);
    command.kill('SIGINT');
    const result = await command.ended();
    expect(result.code).to.equal(0);
    expectNoSecret(result);
  });

  const mistakes = [
    { args: ['doctor'], message: "missing required argument 'host'" },
    { args: ['doctor', 'redis://my-cache'], message: '`host` must be a host name' },
    {
      args: ['doctor', 'localhost', '--port', 'ten'],
      message: "option '--port <port>' argument 'ten' is invalid",
    },
    {
      args: ['doctor', 'localhost', '--port', '1', '--identity', 'nobody'],
      message: "argument 'nobody' is invalid",
    },
  ];
  for (const { args, message } of mistakes) {
    it(`answers ${args.join(' ')} with a sentence and a usage line`, async () => {
      const { code, stdout, stderr } = await CommandProcess.run(args);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.include(message).and.include('Usage: ioredis-azure doctor [options] <host>');
    });
  }
});
