import { expect } from 'chai';
import { startupNodesOf } from '../../register/startup-nodes.js';

describe('the startup nodes of a Cluster', () => {
  const host = 'my-cache.westeurope.redis.azure.net';

  for (const [given, expected] of [
    [
      { host, port: 10000 },
      { host, port: 10000 },
    ],
    [
      { host, port: '10000', family: 6 },
      { host, port: 10000, family: 6 },
    ],
    [{ host }, { host, port: 6379 }],
    [7000, { host: '127.0.0.1', port: 7000 }],
    ['7000', { host: '127.0.0.1', port: 7000 }],
    [host, { host, port: 6379 }],
    [`${host}:10000`, { host, port: 10000 }],
    [`//${host}:10000`, { host, port: 10000 }],
    [`redis://${host}`, { host, port: 6379 }],
    [`rediss://${host}:10000/0?family=4`, { host, port: 10000, family: 4 }],
    [`redis://user:p%40ss@${host}`, { host, port: 6379, username: 'user', password: 'p@ss' }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
    ['no host', { host: '127.0.0.1', port: 6379 }],
  ] as const) {
    it(`are read as ioredis reads them: ${JSON.stringify(given)}`, () => {
      expect(startupNodesOf([given])).to.deep.equal([expected]);
    });
  }

  it('are none if the program gives none', () => {
    expect(startupNodesOf(undefined)).to.deep.equal([]);
  });
});
