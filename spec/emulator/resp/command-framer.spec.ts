import { expect } from 'chai';
import fc from 'fast-check';
import type { Command } from '../../../emulator/resp/command-framer.js';
import { CommandFramer } from '../../../emulator/resp/command-framer.js';
import { encodeCommand } from '../../../emulator/resp/encode.js';
import { splitBytes } from './splitting.js';

/** All that came out of a framer. */
interface Framed {
  readonly bytes: Buffer;
  readonly commands: readonly Command[];
  /** The arguments of the commands that came out whole. */
  readonly read: readonly (readonly string[])[];
}

function frame(chunks: readonly Buffer[]): Framed {
  const framer = new CommandFramer();
  const pieces = chunks.flatMap((chunk) => {
    framer.push(chunk);
    return [...remaining(framer)];
  });
  return {
    bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)),
    commands: pieces.flatMap(({ commands }) => commands),
    read: pieces.flatMap(({ args }) =>
      args === undefined ? [] : [args.map((arg) => arg.toString('latin1'))],
    ),
  };
}

function* remaining(framer: CommandFramer) {
  for (let piece = framer.next(); piece !== undefined; piece = framer.next()) yield piece;
}

const name = fc.constantFrom(
  'GET',
  'set',
  'AUTH',
  'hello',
  'Client',
  'SUBSCRIBE',
  'averylongnameofacommand',
  '',
);
const argument = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const array = fc.tuple(name, fc.array(argument, { maxLength: 5 })).map(([first, args]) => ({
  bytes: encodeCommand([first, ...args]),
  args: [Buffer.from(first), ...args],
}));
const word = fc.stringMatching(/^[a-zA-Z0-9]{1,20}$/);
const inline = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 5 }), fc.constantFrom('\n', '\r\n'))
  .map(([words, end]) => ({
    bytes: Buffer.from(words.join(' ') + end),
    args: words.map((each) => Buffer.from(each)),
  }));
const nothing = fc.constantFrom('\r\n', '\n', '  \r\n', '*0\r\n', '*-1\r\n').map((text) => ({
  bytes: Buffer.from(text),
  args: [] as Buffer[],
}));
const commands = fc.array(fc.oneof(array, inline, nothing), { maxLength: 12 });

describe('CommandFramer', () => {
  it('finds each command and returns each byte once, however the bytes are split', () => {
    fc.assert(
      fc.property(commands, splitBytes, (sent, split) => {
        const bytes = Buffer.concat(sent.map((command) => command.bytes));
        const framed = frame(split(bytes));

        const expected = sent.map(({ args }) => args).filter(({ length }) => length > 0);
        expect(framed.bytes.equals(bytes)).to.equal(true);
        expect(framed.commands).to.deep.equal(
          expected.map((args) => {
            const [first] = args.map((arg) => arg.toString('latin1').toLowerCase());
            return { name: (first?.length ?? 0) > 16 ? '' : first, count: args.length };
          }),
        );
        expect(framed.read).to.deep.equal(
          expected
            .map((args) => args.map((arg) => arg.toString('latin1')))
            .filter(([first = '']) => /^(auth|hello|client)$/i.test(first)),
        );
      }),
    );
  });

  it('never fails, and frames arbitrary bytes independently of how they are split', () => {
    const fragment = fc.constantFrom(
      '*',
      '$',
      '1',
      '-',
      '0',
      '\r\n',
      '\n',
      '\r',
      'AUTH',
      ' ',
      '"',
      "'",
      '\\x4',
      '\0',
    );
    const rubbish = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(fragment, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(rubbish, splitBytes, (bytes, split) => {
        expect(frame(split(bytes))).to.deep.equal(frame([bytes]));
      }),
      { numRuns: 1_000 },
    );
  });

  it('returns a large payload as it arrives', () => {
    const framer = new CommandFramer();
    framer.push(Buffer.from('*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000000\r\n'));
    expect(framer.next()?.bytes).to.have.lengthOf(32);
    for (let left = 1_000_000; left > 0; left -= 100_000) {
      const payload = Buffer.alloc(100_000);
      framer.push(payload);
      expect(framer.next()?.bytes.buffer).to.equal(payload.buffer);
    }
    framer.push(Buffer.from('\r\n'));
    expect(framer.next()?.commands).to.deep.equal([{ name: 'set', count: 3 }]);
  });

  it('holds a login until it is complete', () => {
    const framer = new CommandFramer();
    framer.push(Buffer.from('*1\r\n$4\r\nPING\r\n*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$5\r\ntok'));
    expect(framer.next()?.commands).to.deep.equal([{ name: 'ping', count: 1 }]);
    expect(framer.next()).to.equal(undefined);
    framer.push(Buffer.from('en\r\nGET key\r\n'));
    expect(framer.next()?.args?.join()).to.equal('AUTH,user,token');
    expect(framer.next()?.commands).to.deep.equal([{ name: 'get', count: 2 }]);
  });

  it('does not hold a command that is too long to be a login', () => {
    const framer = new CommandFramer();
    const start = Buffer.from('*2\r\n$4\r\nAUTH\r\n$100000\r\n');
    framer.push(start);
    expect(framer.next()).to.deep.equal({ bytes: start, commands: [] });
  });

  for (const [what, text] of [
    ['an array of no number', '*x\r\n'],
    ['an array with leading zeros', '*01\r\n'],
    ['more arguments than there can be', '*2147483648\r\n'],
    ['an argument of a negative length', '*1\r\n$-1\r\n'],
    ['an argument that is no bulk string', '*1\r\n:1\r\n'],
    ['quotes that are not balanced', 'GET "key\r\n'],
    ['a NUL in a line', 'GET \0key\r\n'],
    ['text after a quote', 'GET "key"s\r\n'],
    ['a line without end', 'A'.repeat(70_000)],
    ['a header without end', `*${'1'.repeat(70_000)}`],
  ] as const) {
    it(`returns input after ${what} unchanged`, () => {
      const { bytes, commands: found, read } = frame([Buffer.from(text), Buffer.from('AUTH user token\r\n')]);
      expect(bytes.toString()).to.equal(`${text}AUTH user token\r\n`);
      expect([found, read]).to.deep.equal([[], []]);
    });
  }

  it('parses inline arguments as redis-server does', () => {
    const text = `auth "a b" 'it\\'s' "\\x41\\n\\"\\z\\xg" pre"fix"\tend\r\n`;
    const [args] = frame([Buffer.from(text)]).read;
    expect(args).to.deep.equal(['auth', 'a b', "it's", 'A\n"zxg', 'prefix', 'end']);
  });
});
