import { expect } from 'chai';
import { AzureRedisError } from '../../lib/errors.js';
import { authorityHostOf } from '../../lib/identities/authority.js';
import { authenticatorSettings } from '../../lib/configure/settings.js';
import { thrown } from './support/failure.js';

describe('authorityHost', () => {
  const before = process.env['AZURE_AUTHORITY_HOST'];
  beforeEach(() => {
    delete process.env['AZURE_AUTHORITY_HOST'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['AZURE_AUTHORITY_HOST'];
    else process.env['AZURE_AUTHORITY_HOST'] = before;
  });

  it('is that of the public cloud, unless the environment or the option sets another one', () => {
    expect(authorityHostOf()).to.equal('https://login.microsoftonline.com');
    process.env['AZURE_AUTHORITY_HOST'] = 'https://login.chinacloudapi.cn/';
    expect(authorityHostOf()).to.equal('https://login.chinacloudapi.cn');
    expect(authorityHostOf('https://login.microsoftonline.us')).to.equal('https://login.microsoftonline.us');
  });

  it('is rejected unless it is an https URL without a path', () => {
    for (const wrong of ['login.microsoftonline.us', 'http://localhost', 'https://localhost/tenant', '', 7]) {
      const error = thrown(() => authorityHostOf(wrong));
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'INVALID_OPTION' });
    }
  });

  const PUBLIC = 'https://login.microsoftonline.com';
  const US_GOVERNMENT = 'https://login.microsoftonline.us';
  const CHINA = 'https://login.chinacloudapi.cn';
  const clouds: readonly [suffix: string, authorityHost: string][] = [
    ['.redis.cache.windows.net', PUBLIC],
    ['.westeurope.redis.azure.net', PUBLIC],
    ['.westeurope.redisenterprise.cache.azure.net', PUBLIC],
    ['.redis.cache.usgovcloudapi.net', US_GOVERNMENT],
    ['.usgovvirginia.redis.usgovcloudapi.net', US_GOVERNMENT],
    ['.redis.cache.chinacloudapi.cn', CHINA],
    ['.chinanorth3.redis.chinacloudapi.cn', CHINA],
    ['.example', PUBLIC],
  ];
  for (const [suffix, expected] of clouds) {
    it(`is ${expected} for a cache at ${suffix}`, () => {
      expect(authenticatorSettings({ host: `my-cache${suffix}` }).authorityHost).to.equal(expected);
    });
  }

  it('takes precedence in this order: the option, `cloud`, the environment, the host suffix', () => {
    process.env['AZURE_AUTHORITY_HOST'] = 'https://login.example/';
    const host = 'my-cache.redis.cache.chinacloudapi.cn';
    const cloud = 'usGovernment';
    const authorityHost = 'https://localhost:8443';
    expect(authenticatorSettings({ host, cloud, authorityHost })).to.include({ authorityHost });
    expect(authenticatorSettings({ host, cloud })).to.include({ authorityHost: US_GOVERNMENT });
    expect(authenticatorSettings({ host })).to.include({ authorityHost: 'https://login.example' });
  });

  it('names the environment variable when its value is invalid', () => {
    process.env['AZURE_AUTHORITY_HOST'] = 'login.microsoftonline.us';
    const error = thrown(() => authorityHostOf());
    expect(error).to.include({ code: 'INVALID_OPTION' });
    expect(error)
      .to.have.property('message')
      .that.matches(/^`AZURE_AUTHORITY_HOST` must be an https URL/);
  });
});
