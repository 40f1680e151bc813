import { expect } from 'chai';
import { createSecureContext, rootCertificates } from 'node:tls';
import { secureContextFor, secureTlsOptions } from '../../lib/ioredis/transport-security.js';

const [ca = '', otherCa = ''] = rootCertificates;

const contextOf = (tls: Parameters<typeof secureTlsOptions>[0]): ReturnType<typeof secureContextFor> =>
  secureContextFor(tls, secureTlsOptions(tls, 'localhost'));

describe('the TLS context of a connection', () => {
  it('is created once for all connections with the same options', () => {
    const tls = { ca };
    expect(contextOf(tls)).to.equal(contextOf(tls));
  });

  it('is another one for other options', () => {
    expect(contextOf({ ca })).not.to.equal(contextOf({ ca }));
  });

  it('is created again when a certificate was replaced in place', () => {
    const tls = { ca };
    const before = contextOf(tls);
    tls.ca = otherCa;
    const after = contextOf(tls);
    expect(after).not.to.equal(before);
    expect(contextOf(tls)).to.equal(after);
  });

  it('is that of the options, if they have one', () => {
    const secureContext = createSecureContext();
    expect(contextOf({ secureContext })).to.equal(secureContext);
  });
});
