// Connects, prints the first reply, and ends. The parent measures the time from the start of this process.
const { peer, cache, accessToken } = JSON.parse(process.env.SETTINGS);
const { host, port, ca, accessKey } = cache;
const credential = { getToken: () => Promise.resolve(accessToken) };

if (peer === 'node-redis') {
  const [{ createClient }, { EntraIdCredentialsProviderFactory, REDIS_SCOPE_DEFAULT }] = await Promise.all([
    import('redis'),
    import('@redis/entraid'),
  ]);
  const credentialsProvider = EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
    credential,
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig: { expirationRefreshRatio: 0.8 },
  });
  const client = createClient({
    socket: { host, port, tls: true, ca, servername: host },
    credentialsProvider,
  });
  await client.connect();
  console.log(await client.ping());
} else if (peer === 'ioredis-azure') {
  const [{ Redis }, { configureForAzure }] = await Promise.all([import('ioredis'), import('ioredis-azure')]);
  const redis = new Redis(await configureForAzure({ host, port, tls: { ca }, credential }));
  console.log(await redis.ping());
} else {
  const { Redis } = await import('ioredis');
  const redis = new Redis({ host, port, tls: { ca, servername: host }, password: accessKey });
  console.log(await redis.ping());
}
process.exit();
