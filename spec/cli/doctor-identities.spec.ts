import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Finding } from '../../doctor/index.js';
import { type Application, AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { createClientCertificate, encryptKey } from '../identities/support/client-certificates.js';
import { CommandProcess, type CommandResult } from './support/command-process.js';

const BROWSER = fileURLToPath(new URL('./support/browser.ts', import.meta.url));

describe('ioredis-azure doctor, with an identity', () => {
  let entra: EntraEmulator;
  let azure: AzureRedisEmulator;
  let application: Application;
  let folder: string;

  before(async () => {
    entra = await EntraEmulator.start();
    azure = await AzureRedisEmulator.start({ entra });
    application = entra.addApplication();
    await azure.assignRole(application.objectId, 'Data Owner');
    folder = await mkdtemp(join(tmpdir(), 'doctor-identities-'));
    await writeFile(join(folder, 'ca.pem'), azure.ca);
  });
  after(async () => {
    await azure.stop();
    await entra.stop();
    await rm(folder, { recursive: true });
  });

  function diagnose(
    flags: readonly string[],
    environment: Record<string, string> = {},
  ): Promise<CommandResult> {
    const endpoint = [azure.host, '--port', String(azure.port), '--ca', join(folder, 'ca.pem')];
    return CommandProcess.run(['doctor', ...endpoint, '--json', ...flags], {
      NODE_EXTRA_CA_CERTS: entra.caFile,
      AZURE_AUTHORITY_HOST: entra.authorityHost,
      ...environment,
    });
  }

  function finding({ stdout }: CommandResult, section: string, check: string): Finding | undefined {
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    return findings.find((each) => each.section === section && each.check === check);
  }

  function expectLogin(result: CommandResult, objectId: string, secrets: readonly string[]): void {
    expect(finding(result, 'login', 'auth')?.data, result.stdout).to.deep.equal({ username: objectId });
    expect(finding(result, 'liveness', 'reconnect')?.status).to.equal('ok');
    expect(result.code).to.equal(0);
    for (const secret of ['eyJ', 'PRIVATE KEY', ...secrets]) {
      expect(result.stdout + result.stderr).not.to.include(secret);
    }
  }

  describe('that is an application with a certificate', () => {
    function certificateFlags(path: string): string[] {
      const ids = ['--tenant-id', entra.tenantId, '--client-id', application.clientId];
      return [...ids, '--certificate', path];
    }

    it('logs in with the certificate and key of a PEM file', async () => {
      const certificate = await createClientCertificate();
      application.addCertificate(certificate.cert);
      const path = join(folder, 'application.pem');
      await writeFile(path, certificate.pem);
      const result = await diagnose(certificateFlags(path));
      expectLogin(result, application.objectId, []);
      expect(finding(result, 'identity', 'credential')?.message).to.match(
        /^The service principal, with a certificate, returned a token/,
      );
      expect(finding(result, 'kind', 'kind')?.snippet).to.include(
        'servicePrincipal: { tenantId, clientId, certificate }',
      );
    });

    it('decrypts the key with the password of the environment', async () => {
      const certificate = await createClientCertificate();
      application.addCertificate(certificate.cert);
      const path = join(folder, 'encrypted.pem');
      await writeFile(path, certificate.cert + encryptKey(certificate.key, 'password-of-the-key'));
      const environment = { AZURE_CLIENT_CERTIFICATE_PASSWORD: 'password-of-the-key' };
      expectLogin(await diagnose(certificateFlags(path), environment), application.objectId, [
        'password-of-the-key',
      ]);
    });

    it('logs in by subject and issuer with --send-x5c, and names the refusal without', async () => {
      const issuer = await createClientCertificate({ commonName: 'Issuing CA', authority: true });
      const certificate = await createClientCertificate({ commonName: 'app.example.com', issuer });
      const path = join(folder, 'chain.pem');
      await writeFile(path, `${certificate.pem}\n${issuer.cert}`);
      application.trustSubject({ subject: 'CN=app.example.com', issuer: issuer.cert });
      expectLogin(await diagnose([...certificateFlags(path), '--send-x5c']), application.objectId, []);
      const refused = await diagnose(certificateFlags(path));
      expect(refused.code).to.equal(1);
      const { message, remedy } = finding(refused, 'identity', 'credential') ?? {};
      expect(message).to.include('AADSTS700027');
      expect(remedy).to.include('sendX5c');
    });

    it('reports a file without a key', async () => {
      const path = join(folder, 'certificate.pem');
      await writeFile(path, (await createClientCertificate()).cert);
      const result = await diagnose(certificateFlags(path));
      expect(result.code).to.equal(1);
      expect(finding(result, 'identity', 'credential')?.message).to.include('no private key');
    });
  });

  it('that is a user signs in in the browser, by authorization code with PKCE', async () => {
    const password = 'password-of-the-user';
    const user = entra.addUser({ password });
    await azure.assignRole(user.objectId, 'Data Owner');
    const { clientId } = entra.addApplication({ publicClient: true, redirectUris: ['http://localhost'] });
    const browser = join(folder, 'browser');
    await writeFile(browser, `#!/bin/sh\nexec '${process.execPath}' --import tsx '${BROWSER}' "$1"\n`);
    await chmod(browser, 0o700);
    const flags = ['--identity', 'user', '--tenant-id', entra.tenantId, '--client-id', clientId];
    const result = await diagnose([...flags, '--authority-host', entra.authorityHost], {
      AZURE_AUTHORITY_HOST: '',
      BROWSER: browser,
      SIGN_IN_USERNAME: user.username,
      SIGN_IN_PASSWORD: password,
    });
    expectLogin(result, user.objectId, [password]);
    expect(result.stderr).to.match(
      /^Sign in in the browser that opens on this machine; Ctrl\+C cancels\..*\n$/,
    );
    expect(finding(result, 'identity', 'identity')?.data?.['type']).to.equal(`user ${user.username}`);
    expect(entra.statistics.requests.some(({ path }) => path.endsWith('/authorize'))).to.equal(true);
  });
});
