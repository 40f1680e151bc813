import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { authorityHostOf, checkAuthorityHost, isMicrosoftAuthority } from '../../lib/identities/authority.js';
import { thrown } from './support/failure.js';

describe('authorityHost', () => {
  const before = process.env['AZURE_AUTHORITY_HOST'];
  afterEach(() => {
    if (before === undefined) delete process.env['AZURE_AUTHORITY_HOST'];
    else process.env['AZURE_AUTHORITY_HOST'] = before;
  });

  it("is Azure's public cloud, unless the environment or the option says otherwise", () => {
    delete process.env['AZURE_AUTHORITY_HOST'];
    expect(authorityHostOf({})).to.equal('https://login.microsoftonline.com');
    process.env['AZURE_AUTHORITY_HOST'] = 'https://login.chinacloudapi.cn/';
    expect(authorityHostOf({})).to.equal('https://login.chinacloudapi.cn');
    expect(authorityHostOf({ authorityHost: 'https://login.microsoftonline.us' })).to.equal(
      'https://login.microsoftonline.us',
    );
  });

  it('is refused unless it is an https address without a path', () => {
    for (const wrong of [
      'login.microsoftonline.us',
      'http://localhost',
      'https://localhost/tenant',
      '',
      undefined,
      7,
    ]) {
      const error = thrown(() => checkAuthorityHost(wrong));
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
    }
  });

  it("is known to be Microsoft's, or not", () => {
    expect(isMicrosoftAuthority('https://login.microsoftonline.us')).to.equal(true);
    expect(isMicrosoftAuthority('https://localhost:8443')).to.equal(false);
  });
});
