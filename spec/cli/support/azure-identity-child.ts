import { readFileSync } from 'node:fs';
import { ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import { Redis } from 'ioredis';
import { configureForAzure } from '../../../lib/index.js';

// Given by the spec, in this form.
const settings = JSON.parse(process.argv[2] ?? '') as {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly userAssigned: string;
};
const variable = (name: string): string => process.env[name] ?? '';

const credentials = {
  DefaultAzureCredential: new DefaultAzureCredential(),
  ManagedIdentityCredential: new ManagedIdentityCredential(),
  'ManagedIdentityCredential, user-assigned': new ManagedIdentityCredential({
    clientId: settings.userAssigned,
  }),
  ClientSecretCredential: new ClientSecretCredential(
    variable('AZURE_TENANT_ID'),
    settings.clientId,
    settings.clientSecret,
    { disableInstanceDiscovery: true },
  ),
};

const users: Record<string, unknown> = {};
for (const [name, credential] of Object.entries(credentials)) {
  const options = await configureForAzure({
    host: variable('REDIS_HOST'),
    port: Number(variable('REDIS_PORT')),
    tls: { ca: readFileSync(variable('REDIS_CA_FILE'), 'utf8') },
    credential,
  });
  const redis = new Redis(options);
  users[name] = await redis.call('ACL', 'WHOAMI');
  await redis.quit();
}
process.stdout.write(JSON.stringify(users));
