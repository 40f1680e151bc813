import { expect } from 'chai';
import { Command } from 'commander';
import { addIdentityFlags, type IdentityFlags, identityOptionsOf } from '../../cli/identity-flags.js';
import { UsageError } from '../../cli/exit-code.js';

const TENANT = '11111111-1111-1111-1111-111111111111';
const CLIENT = '22222222-2222-2222-2222-222222222222';
const NONE: Record<string, string> = {};

function flagsOf(args: readonly string[]): IdentityFlags {
  const command = addIdentityFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse(args, { from: 'user' }).opts<IdentityFlags>();
}

const options = (args: readonly string[], environment = NONE): Promise<object> =>
  identityOptionsOf(flagsOf(args), environment);

/** The usage error of these flags. */
async function mistakeIn(args: readonly string[]): Promise<UsageError> {
  try {
    await options(args);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('The flags were accepted.');
}

describe('the identity flags', () => {
  const servicePrincipal = { tenantId: TENANT, clientId: CLIENT };
  const APPLICATION = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT };
  const cases: { args: string[]; environment?: Record<string, string>; expected: object }[] = [
    { args: [], expected: {} },
    { args: ['--identity', 'default'], expected: {} },
    { args: ['--identity', 'system-assigned'], expected: { managedIdentity: true } },
    { args: ['--client-id', CLIENT], expected: { managedIdentity: { clientId: CLIENT } } },
    { args: ['--object-id', 'o'], expected: { managedIdentity: { objectId: 'o' } } },
    {
      args: ['--identity-resource-id', '/subscriptions/s'],
      expected: { managedIdentity: { resourceId: '/subscriptions/s' } },
    },
    {
      args: ['--identity', 'user-assigned'],
      environment: APPLICATION,
      expected: { managedIdentity: { clientId: CLIENT } },
    },
    {
      args: ['--tenant-id', TENANT, '--client-id', CLIENT, '--client-secret', 's'],
      expected: { servicePrincipal: { ...servicePrincipal, clientSecret: 's' } },
    },
    {
      args: ['--tenant-id', TENANT, '--client-id', CLIENT],
      environment: { AZURE_CLIENT_SECRET: 's' },
      expected: { servicePrincipal: { ...servicePrincipal, clientSecret: 's' } },
    },
    {
      args: ['--identity', 'client-secret'],
      environment: { ...APPLICATION, AZURE_CLIENT_SECRET: 's' },
      expected: { servicePrincipal: { ...servicePrincipal, clientSecret: 's' } },
    },
    {
      args: ['--certificate', 'app.pem', '--send-x5c'],
      environment: { ...APPLICATION, AZURE_CLIENT_CERTIFICATE_PASSWORD: 'p' },
      expected: {
        servicePrincipal: {
          ...servicePrincipal,
          certificate: { path: 'app.pem', password: 'p' },
          sendX5c: true,
        },
      },
    },
    { args: ['--access-key', 'k'], expected: { accessKey: 'k' } },
    { args: [], environment: { AZURE_REDIS_ACCESS_KEY: 'k' }, expected: { accessKey: 'k' } },
    { args: [], environment: { ...APPLICATION, AZURE_CLIENT_SECRET: 's' }, expected: {} },
    {
      args: ['--cloud', 'china', '--authority-host', 'https://a', '--scope', 's', '--username', 'u'],
      expected: { cloud: 'china', authorityHost: 'https://a', scope: 's', username: 'u' },
    },
  ];
  for (const { args, environment = NONE, expected } of cases) {
    const variables = Object.keys(environment).join(', ');
    it(`${args.join(' ') || 'none'}${variables && ` with ${variables}`}: the identity meant`, async () => {
      expect(await options(args, environment)).to.deep.equal(expected);
    });
  }

  it('sign a user in with a credential of @azure/identity', async () => {
    const { InteractiveBrowserCredential } = await import('@azure/identity');
    expect(await options(['--identity', 'user', '--tenant-id', TENANT]))
      .to.have.property('credential')
      .that.is.instanceOf(InteractiveBrowserCredential);
  });

  const mistakes: { args: string[]; message: string }[] = [
    { args: ['--access-key', 'k', '--client-id', CLIENT], message: '--client-id does not apply' },
    { args: ['--client-id', CLIENT, '--object-id', 'o'], message: 'Only one of --client-id, --object-id' },
    { args: ['--client-secret', 's'], message: 'needs --tenant-id or the variable AZURE_TENANT_ID' },
    { args: ['--identity', 'access-key'], message: 'needs --access-key' },
    { args: ['--tenant-id', TENANT], message: '--tenant-id needs' },
    { args: ['--ca', '/no/such/file'], message: '--ca cannot be read' },
  ];
  for (const { args, message } of mistakes) {
    it(`${args.join(' ')}: a usage error`, async () => {
      expect((await mistakeIn(args)).message).to.include(message);
    });
  }

  it('do not show a secret in their errors', async () => {
    expect((await mistakeIn(['--client-secret', 'hidden'])).message).not.to.include('hidden');
  });
});
