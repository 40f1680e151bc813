import { Writable } from 'node:stream';
import { expect } from 'chai';
import { FindingPrinter } from '../../cli/doctor/findings.js';
import { Output } from '../../cli/output.js';

/** A terminal that keeps what is written to it. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly columns = 40;
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('a finding on a terminal', () => {
  it('has its lines broken between words, and its command in one piece', () => {
    const terminal = new Terminal();
    const output = new Output({}, terminal as unknown as NodeJS.WriteStream);
    output.style = (_, text) => text;
    new FindingPrinter(output).print({
      section: 'tls',
      check: 'old-versions',
      status: 'warning',
      severity: 'medium',
      message: 'The endpoint still accepts TLS 1.0 and TLS 1.1.',
      why: 'These versions have known weaknesses; other clients may use them.',
      remedy: 'Require TLS 1.2 at the cache.',
      command: 'az redis update --resource-group my-group --name my-cache --set minimumTlsVersion=1.2',
    });
    expect(terminal.text.split('\n')).to.deep.equal([
      'TLS',
      '  ! The endpoint still accepts TLS 1.0',
      '    and TLS 1.1. (medium)',
      '      These versions have known',
      '      weaknesses; other clients may use',
      '      them.',
      '      → Require TLS 1.2 at the cache.',
      '      $ az redis update --resource-group my-group --name my-cache --set minimumTlsVersion=1.2',
      '',
    ]);
  });
});
