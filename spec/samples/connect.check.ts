import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createClientCertificate, encryptKey } from '../identities/support/client-certificates.js';
import { SampleProcess } from '../support/sample-process.js';
import { AzureEnvironment } from './support/azure-environment.js';

const PATH = 'samples/connect/main.ts';

describe('samples/connect', () => {
  describe('with an identity', () => {
    let environment: AzureEnvironment;
    let folder: string;

    before(async () => {
      environment = await AzureEnvironment.start(3_600_000);
      folder = dirname(environment.entra.caFile);
    });

    after(() => environment.stop());

    function run(flags: readonly string[], variables: Readonly<Record<string, string>> = {}): SampleProcess {
      const args = [...environment.flags, '--seconds', '1', ...flags];
      return environment.keep(new SampleProcess(PATH, args, { ...environment.authority, ...variables }));
    }

    async function expectLogin(sample: SampleProcess, username: string): Promise<void> {
      expect(await sample.exitCode(), sample.output).to.equal(0);
      expect(sample.output)
        .to.contain(` as ${username}`)
        .and.match(/Commands \d, failures 0/);
    }

    async function addApplication() {
      const application = environment.entra.addApplication();
      await environment.azure.assignRole(application.objectId, 'Data Reader');
      const flags = ['--tenant-id', environment.entra.tenantId, '--client-id', application.clientId];
      return { application, flags };
    }

    it('logs in with a managed identity', async () => {
      const { entra, azure } = environment;
      const [machine, assigned] = [
        entra.addManagedIdentity('systemAssigned'),
        entra.addManagedIdentity('userAssigned'),
      ];
      for (const { objectId } of [machine, assigned]) await azure.assignRole(objectId, 'Data Reader');
      const variables = entra.imdsEnvironment;
      await Promise.all([
        expectLogin(run(['--identity', 'system-assigned'], variables), machine.objectId),
        expectLogin(
          run(['--identity', 'user-assigned', '--client-id', assigned.clientId], variables),
          assigned.objectId,
        ),
      ]);
    });

    it('logs in with a service principal: secret, certificate, Subject Name + Issuer', async () => {
      const secret = await addApplication();
      const certified = await addApplication();
      const trusting = await addApplication();
      const certificate = await createClientCertificate();
      certified.application.addCertificate(certificate.cert);
      const password = 'correct-horse-battery-staple';
      const encrypted = join(folder, 'encrypted.pem');
      await writeFile(encrypted, encryptKey(certificate.key, password) + certificate.cert);
      const issuer = await createClientCertificate({ commonName: 'Company CA', authority: true });
      const named = await createClientCertificate({ commonName: 'my-app', issuer });
      trusting.application.trustSubject({ subject: 'CN=my-app', issuer: issuer.cert });
      const file = join(folder, 'named.pem');
      await writeFile(file, named.pem);
      const [AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PASSWORD] = [
        secret.application.addSecret(),
        password,
      ];
      await Promise.all([
        expectLogin(
          run(['--identity', 'secret', ...secret.flags], { AZURE_CLIENT_SECRET }),
          secret.application.objectId,
        ),
        expectLogin(
          run(['--identity', 'certificate', ...certified.flags, '--certificate', encrypted], {
            AZURE_CLIENT_CERTIFICATE_PASSWORD,
          }),
          certified.application.objectId,
        ),
        expectLogin(
          run(['--identity', 'subject-name', ...trusting.flags, '--certificate', file]),
          trusting.application.objectId,
        ),
      ]);
    });

    it('logs in with an access key, and with DefaultAzureCredential', async () => {
      const { application } = await addApplication();
      const defaults = {
        AZURE_TENANT_ID: environment.entra.tenantId,
        AZURE_CLIENT_ID: application.clientId,
        AZURE_CLIENT_SECRET: application.addSecret(),
      };
      await Promise.all([
        expectLogin(
          run(['--identity', 'access-key'], { AZURE_REDIS_ACCESS_KEY: environment.azure.accessKey }),
          'default, with',
        ),
        expectLogin(run([], defaults), application.objectId),
      ]);
    });

    it('says what to do about a wrong secret, and about an identity without access', async () => {
      const { flags } = await addApplication();
      const stranger = environment.entra.addApplication();
      const strangerFlags = ['--tenant-id', environment.entra.tenantId, '--client-id', stranger.clientId];
      const refused = run(['--identity', 'secret', ...flags], { AZURE_CLIENT_SECRET: 'not-the-secret' });
      const unknown = run(['--identity', 'secret', ...strangerFlags], {
        AZURE_CLIENT_SECRET: stranger.addSecret(),
      });
      expect(await refused.exitCode()).to.equal(1);
      expect(refused.output).to.contain('AADSTS7000215').and.not.contain('not-the-secret');
      expect(await unknown.exitCode()).to.equal(1);
      expect(unknown.output).to.match(/access policy/);
    });

    it('asks for cache and identity on a terminal, and does not show the secret', async () => {
      const { application } = await addApplication();
      const secret = application.addSecret();
      const { azure, entra, authority } = environment;
      const args = ['--ask', '--ca', join(folder, 'redis-ca.pem')];
      const sample = environment.keep(new SampleProcess(PATH, args, authority, { terminal: true }));
      await sample.printed(/Where is the cache\?/);
      sample.type('\x1b[B\r');
      await answer(sample, /Host name[^\n]*:/, azure.host);
      await answer(sample, /Port \([^\n]*:/, String(azure.port));
      await sample.printed(/Who logs in\?/);
      sample.type('\x1b[B'.repeat(3));
      await sample.printed(/❯ Service principal with a secret/);
      sample.type('\r');
      await answer(sample, /Tenant id:/, entra.tenantId);
      await answer(sample, /Client id:/, application.clientId);
      await answer(sample, /Client secret:/, secret);
      await sample.printed(new RegExp(`Logged in to one server as ${application.objectId}`));
      await sample.printed(/^\+/m);
      sample.type('\x03');
      expect(await sample.exitCode()).to.equal(0);
      expect(sample.output).to.contain('failures 0');
      for (let length = 6; length <= secret.length; length += 1) {
        expect(sample.output).not.to.contain(secret.slice(0, length));
      }
    });
  });

  it('offers the emulator first on a terminal', async () => {
    const sample = new SampleProcess(PATH, [], {}, { terminal: true });
    await sample.printed(/❯ On this machine/);
    sample.type('\r');
    await sample.printed(/^\+/m);
    sample.type('\x03');
    expect(await sample.exitCode()).to.equal(0);
  });

  it('answers bad input with a sentence and the flags', async () => {
    const inputs = {
      "Unknown option '--foo'": ['--foo'],
      '--identity must be one of default, ': ['--host', 'my-cache.redis.azure.net', '--identity', 'nobody'],
      'The identity "secret" needs --tenant-id or AZURE_TENANT_ID.': [
        ...['--host', 'my-cache.redis.azure.net', '--identity', 'secret'],
      ],
    };
    await Promise.all(
      Object.entries(inputs).map(async ([sentence, args]) => {
        const sample = new SampleProcess(PATH, args);
        expect(await sample.exitCode()).to.equal(2);
        expect(sample.output)
          .to.match(/\nFlags: --identity/)
          .and.contain(sentence);
      }),
    );
  });
});

async function answer(sample: SampleProcess, question: RegExp, text: string): Promise<void> {
  await sample.printed(question);
  sample.type(`${text}\r`);
}
