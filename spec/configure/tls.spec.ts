import { once } from 'node:events';
import { expect } from 'chai';
import { connect, createSecureContext, createServer } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import { configureForAzure, Multiplexer, type ConfigureForAzureOptions } from '../../lib/index.js';
import { createCertificateAuthority } from '../../emulator/certificates.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';

/** A TLS session that the cache would resume. */
function sessionOf({ port, ca }: AzureRedisEmulator): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost', ca }, () => {
      socket.once('session', (session) => {
        resolve(session);
        socket.destroy();
      });
    });
  });
}

describe('a connection to a cache', () => {
  let azure: AzureRedisEmulator;

  before(async () => {
    azure = await AzureRedisEmulator.start();
  });

  after(async () => {
    await azure.stop();
  });

  /** The error of the first attempt to connect with these TLS options; nothing if it succeeds. */
  async function failureWith(
    tls: ConfigureForAzureOptions['tls'],
    more: { port?: number } = {},
    replaced: object = {},
  ): Promise<(Error & { code?: string }) | undefined> {
    const options = await configureForAzure({ ...azure.options, tls, ...more });
    const redis = new Redis({ ...options, ...replaced, retryStrategy: () => null, lazyConnect: true });
    const failed = once(redis, 'error').then(([error]) => error as Error);
    try {
      await redis.connect();
      return undefined;
    } catch {
      return await failed;
    } finally {
      redis.disconnect();
    }
  }

  it('is opened to a host with a valid certificate', async () => {
    expect(await failureWith({ ca: azure.ca })).to.equal(undefined);
    expect(azure.statistics.logins).to.have.length(1);
  });

  describe('never sends a token', () => {
    afterEach(() => {
      expect(azure.statistics.logins).to.have.length(1);
    });

    it('to a host whose certificate is for another name', async () => {
      const failure = await failureWith({ ca: azure.ca, servername: 'my-cache.redis.azure.net' });
      expect(failure?.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('to such a host, even if a `checkServerIdentity` of the caller accepts it', async () => {
      const failure = await failureWith({
        ca: azure.ca,
        servername: 'my-cache.redis.azure.net',
        checkServerIdentity: () => undefined,
      });
      expect(failure?.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('to the right host, if a `checkServerIdentity` of the caller rejects it', async () => {
      const failure = await failureWith({
        ca: azure.ca,
        checkServerIdentity: () => new Error('not the pinned certificate'),
      });
      expect(failure?.message).to.equal('not the pinned certificate');
    });

    it('to a host with an untrusted certificate, even with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        expect((await failureWith({}))?.code).to.equal('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      } finally {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      }
    });

    for (const [what, tls] of [
      ['an unverified server', { rejectUnauthorized: false }],
      ['TLS 1.1', { minVersion: 'TLSv1.1' }],
      ['a TLS of at most 1.1', { maxVersion: 'TLSv1.1' }],
      ['an OpenSSL method of any version', { secureProtocol: 'TLS_method' }],
    ] as const) {
      it(`with \`tls\` options that replace the configured ones and permit ${what}`, async () => {
        const failure = await failureWith({ ca: azure.ca }, {}, { tls: { ca: azure.ca, ...tls } });
        expect(failure?.code).to.equal('INSECURE_CONNECTION');
      });
    }

    it('with replaced `tls` options and their own name check, to a host with another name', async () => {
      const tls = { ca: azure.ca, checkServerIdentity: () => undefined };
      const configured = { ca: azure.ca, servername: 'my-cache.redis.azure.net' };
      const failure = await failureWith(configured, {}, { tls });
      expect(failure?.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    for (const name of ['localhost', '']) {
      it(`to a server of another name than the configured one, though its certificate is valid: '${name}'`, async () => {
        const configured = { ca: azure.ca, servername: 'my-cache.redis.azure.net' };
        const failure = await failureWith(configured, {}, { tls: { ca: azure.ca, servername: name } });
        expect(failure?.code).to.equal('INSECURE_CONNECTION');
      });
    }

    it('to an address in `tls` whose certificate is valid for it, but not for the configured name', async () => {
      const configured = { ca: azure.ca, servername: 'my-cache.redis.azure.net' };
      const failure = await failureWith(configured, {}, { tls: { ca: azure.ca, host: '127.0.0.1' } });
      expect(failure?.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('as a cluster, whose error names the cause', async () => {
      const redisOptions = await configureForAzure(azure.options);
      const cluster = new Cluster([{ host: 'localhost', port: azure.port }], {
        redisOptions: { ...redisOptions, tls: { rejectUnauthorized: false } },
        clusterRetryStrategy: () => null,
      });
      const [error] = (await once(cluster, 'error')) as [Error & { lastNodeError?: unknown }];
      expect(error.lastNodeError).to.have.property('code', 'INSECURE_CONNECTION');
      cluster.disconnect();
    });

    it('to a server that sentinels name', async () => {
      const failure = await failureWith(
        { ca: azure.ca },
        {},
        { sentinels: [{ host: '127.0.0.1', port: 1 }] },
      );
      expect(failure).to.include({ code: 'CONFLICTING_OPTIONS' });
      expect(failure?.message).to.match(/Azure Redis has no Sentinel/);
    });

    it('with a TLS session, on whose resumption Node.js does not check the name', async () => {
      const session = await sessionOf(azure);
      const failure = await failureWith({ ca: azure.ca }, {}, { tls: { ca: azure.ca, session } });
      expect(failure?.code).to.equal('INSECURE_CONNECTION');
    });

    it('with TLS options that Node.js would reject once it is connected, in which it names the wrong one', async () => {
      const wrong = { ca: azure.ca, checkServerIdentity: true };
      const failure = await failureWith({ ca: azure.ca }, {}, { tls: wrong });
      expect(failure).to.include({ code: 'INVALID_OPTION' });
      expect(failure?.message).to.match(/`tls.checkServerIdentity` must be a function, got true/);
    });

    it('and rejects the commands of a client whose options permit that', async () => {
      const options = await configureForAzure(azure.options);
      const redis = new Redis({ ...options, tls: { rejectUnauthorized: false } });
      redis.on('error', () => undefined);
      const error: unknown = await redis.get('key').catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'INSECURE_CONNECTION');
      expect(redis.status).to.equal('end');
    });

    it('over the TLS below 1.2 of a `secureContext`', async () => {
      const authority = await createCertificateAuthority();
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
      const received: Buffer[] = [];
      const server = createServer(
        { ...(await authority.issue({ dns: ['localhost'] })), ...old },
        (socket) => {
          socket.on('data', (data: Buffer) => received.push(data)).on('error', () => undefined);
        },
      ).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const secureContext = createSecureContext({ ca: authority.ca, ...old });
      const plain = connect({ port, host: '127.0.0.1', servername: 'localhost', secureContext });
      await once(plain, 'secureConnect');
      plain.destroy();
      expect((await failureWith({ secureContext }, { port }))?.code).to.equal('INSECURE_CONNECTION');
      expect(received).to.deep.equal([]);
      server.close();
      await once(server, 'close');
    });

    it('over TLS below 1.2', async () => {
      const authority = await createCertificateAuthority();
      const certificate = await authority.issue({ dns: ['localhost'] });
      const received: Buffer[] = [];
      const server = createServer(
        { ...certificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
        (socket) => socket.on('data', (data: Buffer) => received.push(data)),
      ).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      expect((await failureWith({ ca: authority.ca }, { port }))?.code).to.match(
        /TLSV1_ALERT_PROTOCOL_VERSION/,
      );
      expect(received).to.deep.equal([]);
      server.close();
      await once(server, 'close');
    });
  });
});

describe('a result for plain TCP', () => {
  it('is valid input of Multiplexer.connect(), which does not speak TLS to the port', async () => {
    const redis = await RedisOnTcp.start();
    try {
      const { host, port, password } = redis;
      const options = await configureForAzure({ host, port, tls: false, accessKey: password });
      const multiplexer = await Multiplexer.connect(options);
      expect(await multiplexer.interactive.ping()).to.equal('PONG');
      await multiplexer.close();
      options.authenticator.close();
    } finally {
      await redis.stop();
    }
  });
});

describe('a client of a cache with database 0 only', () => {
  it('cannot be created with a URL beside the options that names another database', async () => {
    const host = 'my-cache.redis.azure.net';
    const options = await configureForAzure({ host, accessKey: 'key' });
    expect(() => new Redis(`rediss://${host}:10000/2`, options))
      .to.throw(/`db` conflicts with `host`.*database 0 only/)
      .with.property('code', 'CONFLICTING_OPTIONS');
  });
});
