/**
 * The names that code blocks use without declaring them, as the text around them introduces them, and the packages that
 * only the documents use. `run-blocks.ts` supplies the values.
 */
export const CONTEXT = `
declare global {
  const Redis: typeof import('ioredis').Redis;
  const Cluster: typeof import('ioredis').Cluster;
  const configureForAzure: typeof import('ioredis-azure').configureForAzure;
  const configureClusterForAzure: typeof import('ioredis-azure').configureClusterForAzure;
  const AuthorizationCodeFlow: typeof import('ioredis-azure').AuthorizationCodeFlow;
  const Multiplexer: typeof import('ioredis-azure').Multiplexer;
  const AzureRedisEmulator: typeof import('ioredis-azure/emulator').AzureRedisEmulator;
  const DefaultAzureCredential: typeof import('@azure/identity').DefaultAzureCredential;

  const host: string;
  const tenantId: string;
  const clientId: string;
  const clientSecret: string;
  const options: import('ioredis-azure').ConfiguredRedisOptions;
  const multiplexer: import('ioredis-azure').Multiplexer;
  const azure: import('ioredis-azure/emulator').AzureRedisEmulator;

  /** Express and Fastify alike. */
  const app: {
    get(path: string, handler: (request: unknown, response: Response) => void): void;
    register(plugin: unknown, options: object): Promise<void>;
  };
  interface Response {
    status(code: number): Response;
    json(body: unknown): void;
  }
  function fetchToken(
    scopes: string | string[],
    signal: import('@azure/core-auth').GetTokenOptions['abortSignal'],
  ): Promise<{ accessToken: string; expiresIn: number }>;
  function pauseBatchJobs(): void;
  function show(channel: string, message: Buffer): void;
}
export {};
`;

/** Packages that are not installed here, as far as the documents use them. */
export const PACKAGES = `
declare module '@fastify/redis' {
  const plugin: unknown;
  export default plugin;
}
declare module '@nestjs/bullmq' {
  export const BullModule: {
    forRootAsync(options: { useFactory: () => Promise<{ connection: import('bullmq').ConnectionOptions }> }): unknown;
  };
}
declare module '@azure/keyvault-secrets' {
  export class SecretClient {
    constructor(url: string, credential: import('@azure/core-auth').TokenCredential);
    getSecret(name: string): Promise<{ value?: string }>;
  }
}
declare module '@redis/client' {
  export function createClient(options: { url: string; credentialsProvider: unknown }): { connect(): Promise<void> };
}
declare module '@redis/entraid' {
  export const EntraIdCredentialsProviderFactory: {
    createForUserAssignedManagedIdentity(options: {
      clientId: string;
      userAssignedClientId: string;
      tokenManagerConfig: { expirationRefreshRatio: number };
    }): unknown;
  };
}
`;
