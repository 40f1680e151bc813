import type { Output } from '../output.js';
import type { Environment } from './environment.js';
import { formatDuration, type RoleFlag, roleOf } from './flags.js';
import type { EmulatorIdentity } from './identities.js';

/** How to use a running emulator: the first JSON line, and the table. */
export interface Description {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly product: string;
  readonly redisVersion: string;
  readonly cluster: { readonly masters: number; readonly replicas: number } | undefined;
  readonly role: RoleFlag;
  /** In ms. */
  readonly tokenLifetime: number;
  readonly accessKey: string;
  readonly caFile: string;
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly identities: readonly EmulatorIdentity[];
  readonly environment: Environment;
  readonly environmentFile: string;
}

/** Prints how to use the emulator. */
export function printDescription(output: Output, description: Description): void {
  if (output.isJson) {
    output.json({ type: 'ready', ...description });
    return;
  }
  const heading = (text: string): void => {
    output.line();
    output.line(output.style('bold', text));
  };
  const rows = (entries: readonly (readonly [string, string | undefined])[]): void => {
    const given = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
    output.table(
      given.map(([label, value]) => [output.style('gray', label), value]),
      '  ',
    );
  };
  const { cluster, role, tokenLifetime, environmentFile, caFile } = description;
  const kind = cluster ? `, cluster of ${cluster.masters} masters, ${cluster.replicas} replica(s) each` : '';
  const product = description.product === 'managed' ? 'Azure Managed Redis' : 'Azure Cache for Redis';
  output.line(output.style('bold', `${product} emulator (Redis ${description.redisVersion}${kind})`));
  rows([
    ['host', description.host],
    ['port', `${description.port} (TLS)`],
    ['CA file', caFile],
    ['authority', description.authorityHost],
    ['tenant', description.tenantId],
    ['token lifetime', formatDuration(tokenLifetime)],
    ['access key', description.accessKey],
  ]);
  for (const identity of description.identities) {
    heading(`${identity.label} (${roleOf(role) ?? 'no access policy'})`);
    rows([
      ['object id', identity.objectId],
      [identity.kind === 'user' ? 'client id to sign in with' : 'client id', identity.clientId],
      ['resource id', identity.resourceId],
      ['client secret', identity.clientSecret],
      ['user name', identity.username],
      ['password', identity.password],
    ]);
  }
  heading(`Environment: . ${environmentFile}`);
  rows(Object.entries(description.environment));
  heading('Certificates');
  rows([
    ['Node.js', 'NODE_EXTRA_CA_CERTS, as above'],
    ['Python', 'REQUESTS_CA_BUNDLE and SSL_CERT_FILE, as above'],
    ['.NET', 'SSL_CERT_FILE, as above (Linux)'],
    [
      'Java',
      `keytool -importcert -noprompt -alias emulator -file ${caFile} -keystore trust.p12 -storepass changeit`,
    ],
    ['', 'java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit'],
  ]);
  output.line();
  output.line('Stop it with Ctrl+C. From another terminal: ioredis-azure emulator fail --help');
  output.line();
}
