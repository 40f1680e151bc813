import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { expect } from 'chai';
import { Output } from '../../cli/output.js';

/** A stream that keeps what is written to it. */
class Paper extends Writable {
  text = '';
  constructor(readonly isTTY: boolean) {
    super();
  }
  getColorDepth(): number {
    return WriteStream.prototype.getColorDepth.call(this);
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function printed(isTTY: boolean, print: (output: Output) => void): string {
  const paper = new Paper(isTTY);
  print(new Output({}, paper as unknown as NodeJS.WriteStream));
  return paper.text;
}

describe('the output of the command', () => {
  const kept = ['CI', 'NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'TERM'].map((name) => ({
    name,
    value: process.env[name],
  }));
  beforeEach(() => {
    for (const { name } of kept) Reflect.deleteProperty(process.env, name);
    process.env['TERM'] = 'xterm-256color';
  });
  afterEach(() => {
    for (const { name, value } of kept) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  const inRed = (output: Output): void => {
    output.line(output.style('red', 'down'));
  };

  it('has colours on a terminal', () => {
    expect(printed(true, inRed)).to.equal('\x1b[31mdown\x1b[39m\n');
  });

  it('has none in a file', () => {
    expect(printed(false, inRed)).to.equal('down\n');
  });

  it('has none with NO_COLOR', () => {
    process.env['NO_COLOR'] = '1';
    expect(printed(true, inRed)).to.equal('down\n');
  });

  it('has colours in a file with FORCE_COLOR', () => {
    process.env['FORCE_COLOR'] = '1';
    expect(printed(false, inRed)).to.equal('\x1b[31mdown\x1b[39m\n');
  });

  it('aligns the cells of a table, coloured ones too', () => {
    const text = printed(true, (output) => {
      output.table([
        ['host', 'localhost'],
        [output.style('bold', 'authority'), 'https://localhost', 'x'],
        [],
      ]);
    });
    expect(text).to.equal('host       localhost\n\x1b[1mauthority\x1b[22m  https://localhost  x\n\n');
  });

  it('prints JSON on one line, or indented', () => {
    const value = { port: 6380 };
    expect(
      printed(false, (output) => {
        output.json(value);
        output.json(value, { indented: true });
      }),
    ).to.equal('{"port":6380}\n{\n  "port": 6380\n}\n');
  });
});
