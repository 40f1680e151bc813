import { expect } from 'chai';
import { readEnvironment } from '../../register/environment.js';

describe('the environment variables of ioredis-azure/register', () => {
  function read(variables: Record<string, string>): { environment: object; mistakes: string[] } {
    const mistakes: string[] = [];
    return { environment: readEnvironment(variables, (mistake) => mistakes.push(mistake)), mistakes };
  }

  const NONE = { hosts: undefined, replacePassword: false, scope: undefined, username: undefined };

  it('are optional', () => {
    expect(read({ PATH: '/bin' })).to.deep.equal({ environment: NONE, mistakes: [] });
  });

  it('set the hosts, the user name, the scope and the replacement of passwords', () => {
    const { environment, mistakes } = read({
      IOREDIS_AZURE_HOSTS: 'Redis.internal, 10.0.0.4,::1,',
      IOREDIS_AZURE_USERNAME: 'a-user',
      IOREDIS_AZURE_SCOPE: 'api://redis/.default',
      IOREDIS_AZURE_REPLACE_PASSWORD: 'true',
    });
    expect(environment).to.deep.equal({
      hosts: new Set(['redis.internal', '10.0.0.4', '::1']),
      username: 'a-user',
      scope: 'api://redis/.default',
      replacePassword: true,
    });
    expect(mistakes).to.deep.equal([]);
  });

  it('count as absent when they are empty', () => {
    const variables = { IOREDIS_AZURE_HOSTS: ' ', IOREDIS_AZURE_USERNAME: '', IOREDIS_AZURE_SCOPE: '' };
    expect(read(variables)).to.deep.equal({ environment: NONE, mistakes: [] });
  });

  it('are reported when they are misspelt', () => {
    const { mistakes } = read({ IOREDIS_AZURE_HOST: 'localhost' });
    expect(mistakes).to.deep.equal(['The environment variable IOREDIS_AZURE_HOST has no effect.']);
  });

  for (const entry of ['redis://:secret@localhost', 'localhost:6380', '*.internal']) {
    it(`report an entry that is no host name, and use none in its place: ${entry}`, () => {
      const { environment, mistakes } = read({ IOREDIS_AZURE_HOSTS: entry });
      expect(environment).to.deep.equal({ ...NONE, hosts: new Set() });
      expect(mistakes).to.deep.equal([
        'IOREDIS_AZURE_HOSTS has an entry that is no host name, and has no effect.',
      ]);
    });
  }

  it('report a value that is neither true nor false', () => {
    const { environment, mistakes } = read({ IOREDIS_AZURE_REPLACE_PASSWORD: 'yes' });
    expect(environment).to.deep.equal(NONE);
    expect(mistakes).to.deep.equal(['IOREDIS_AZURE_REPLACE_PASSWORD has no effect.']);
  });
});
