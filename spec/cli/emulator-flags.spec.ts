import { expect } from 'chai';
import { InvalidArgumentError } from 'commander';
import {
  formatDuration,
  parseClusterSize,
  parseDuration,
  parseHostAndPort,
  parsePort,
  parseRedisVersion,
} from '../../cli/emulator/flags.js';
import { CommandProcess } from './support/command-process.js';

describe('the flags of ioredis-azure emulator', () => {
  it('take durations with a unit', () => {
    const durations = ['500ms', '60s', '1.5m', '1h'].map(parseDuration);
    expect(durations).to.deep.equal([500, 60_000, 90_000, 3_600_000]);
    expect(durations.map(formatDuration)).to.deep.equal(['500ms', '1m', '90s', '1h']);
  });

  it('take a cluster as masters x replicas, or as masters', () => {
    expect(parseClusterSize('3x1')).to.deep.equal({ masters: 3, replicas: 1 });
    expect(parseClusterSize('2')).to.deep.equal({ masters: 2, replicas: 0 });
  });

  it('take host names and addresses with a port', () => {
    expect(parseHostAndPort('redis:6379')).to.deep.equal({ host: 'redis', port: 6379 });
    expect(parseHostAndPort('[::1]:6379')).to.deep.equal({ host: '::1', port: 6379 });
  });

  const mistakes: [(text: string) => unknown, string[]][] = [
    [parseDuration, ['60', 's', '-1s', '1d', '']],
    [parsePort, ['-1', '65536', '6e3', 'http']],
    [parseClusterSize, ['0x1', '3x', 'x1', '3x1x1', '']],
    [parseHostAndPort, ['redis', 'redis:', ':6379', 'a@redis:6379', 'redis:6379/0', 'redis:99999']],
    [parseRedisVersion, ['latest', '7.', '7.2.4.1']],
  ];
  for (const [parse, texts] of mistakes) {
    it(`refuse others: ${parse.name}`, () => {
      for (const text of texts) expect(() => parse(text), text).to.throw(InvalidArgumentError);
    });
  }

  const misuses: [string[], string][] = [
    [['--token-lifetime', '500ms'], '--token-lifetime must be at least 1s.'],
    [['--upstream', 'redis:6379', '--cluster', '3x1'], '--upstream conflicts with --cluster.'],
    [['--cluster', 'large'], 'It must be masters x replicas'],
    [['--bind', '192.0.2.1', '--port', '0'], 'Bind to an address of this machine'],
    [['--cluster', '100x10'], '--cluster has 1100 nodes'],
    [['--hostname', 'https://foo'], '--hostname must be a host name'],
    [
      ['--role', 'owner'],
      'It must be default, data-owner, data-contributor, data-reader, none or an access string',
    ],
    [['fail', 'identity', '--for', 'ever'], 'It must be a number with a unit'],
    [['recover', 'drop'], "'drop' is not a fault that lasts."],
  ];
  for (const [args, message] of misuses) {
    it(`are refused with a sentence and a usage line: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await CommandProcess.run(['emulator', ...args]);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr)
        .to.include(message)
        .and.match(/\nUsage: ioredis-azure emulator/);
    });
  }
});
