import { expect } from 'chai';
import { createSecureContext, rootCertificates, type ConnectionOptions } from 'node:tls';
import { secureTransport } from '../../lib/ioredis/tls.js';

const [ca = '', otherCa = ''] = rootCertificates;
const HOST = 'my-cache.redis.azure.net';

const connectionOptions = (tls: ConnectionOptions): ConnectionOptions | undefined =>
  secureTransport({ host: HOST, tls }, new Set([HOST]));

describe('the TLS options of a connection', () => {
  it('are completed once for all connections with the same options', () => {
    const tls = { ca };
    expect(connectionOptions(tls)).to.equal(connectionOptions(tls));
  });

  it('are others for other options', () => {
    expect(connectionOptions({ ca })?.secureContext).not.to.equal(connectionOptions({ ca })?.secureContext);
  });

  it('are completed again when a certificate was replaced in place', () => {
    const tls = { ca };
    const before = connectionOptions(tls);
    tls.ca = otherCa;
    const after = connectionOptions(tls);
    expect(after?.secureContext).not.to.equal(before?.secureContext);
    expect(connectionOptions(tls)).to.equal(after);
  });

  it('are checked again when they were changed in place', () => {
    const tls: ConnectionOptions = { ca };
    connectionOptions(tls);
    tls.rejectUnauthorized = false;
    expect(() => connectionOptions(tls))
      .to.throw()
      .with.property('code', 'INSECURE_CONNECTION');
  });

  it('have the context of the given ones, if they have one', () => {
    const secureContext = createSecureContext();
    expect(connectionOptions({ secureContext })?.secureContext).to.equal(secureContext);
  });

  it('call the own check of the caller once, with the configured name', () => {
    const names: string[] = [];
    const own = (name: string): undefined => void names.push(name);
    const options = connectionOptions({ ca, checkServerIdentity: own });
    const certificate = { subject: { CN: HOST }, subjectaltname: `DNS:${HOST}` };
    const check = options?.checkServerIdentity as unknown as (host: string, certificate: object) => unknown;
    const again = connectionOptions({ ca, checkServerIdentity: check as never })?.checkServerIdentity;
    (again as unknown as typeof check)('10.0.0.4', certificate);
    expect(names).to.deep.equal([HOST]);
  });
});
