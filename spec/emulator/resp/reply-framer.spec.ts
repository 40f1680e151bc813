import { expect } from 'chai';
import fc from 'fast-check';
import type { Reply } from '../../../emulator/resp/reply-framer.js';
import { ReplyFramer } from '../../../emulator/resp/reply-framer.js';
import { splitBytes } from './splitting.js';

interface Framed {
  readonly replies: readonly Reply[];
  readonly malformed: boolean;
}

function frame(chunks: readonly Buffer[], elementsWanted = 0): Framed {
  const replies: Reply[] = [];
  const framer = new ReplyFramer({
    elementsWanted: () => elementsWanted,
    isAside: (line) => line === '<aside>',
    reply: (reply) => {
      replies.push(reply);
    },
  });
  for (const chunk of chunks) framer.push(chunk);
  return { replies, malformed: framer.malformed };
}

function only(text: string, elementsWanted = 0): Reply | undefined {
  const { replies, malformed } = frame([Buffer.from(text)], elementsWanted);
  expect(malformed).to.equal(false);
  expect(replies).to.have.lengthOf(1);
  return replies[0];
}

const text = fc.stringMatching(/^[ -;=-~]{0,80}$/);
const string = fc
  .string({ maxLength: 100, unit: 'binary' })
  .map((value) => Buffer.from(value).toString('latin1'));
const { reply: anyReply } = fc.letrec<Record<'reply' | 'element' | 'aside', string>>((tie) => {
  const elements = (maxLength: number) => fc.array(tie('element'), { maxLength });
  const pairs = (maxLength: number) =>
    fc
      .array(fc.tuple(tie('element'), tie('element')), { maxLength })
      .map((all) => `${all.length}\r\n${all.flat().join('')}`);
  return {
    reply: fc.oneof(
      { depthSize: 'small' },
      fc.tuple(fc.constantFrom('+', '-', '(', ','), text).map(([type, line]) => `${type}${line}\r\n`),
      fc.integer().map((number) => `:${number}\r\n`),
      fc.constantFrom('_\r\n', '#t\r\n', '#f\r\n', '$-1\r\n', '*-1\r\n'),
      fc
        .tuple(fc.constantFrom('$', '=', '!'), string)
        .map(([type, body]) => `${type}${body.length}\r\n${body}\r\n`),
      fc
        .tuple(fc.constantFrom('*', '~'), elements(4))
        .map(([type, values]) => `${type}${values.length}\r\n${values.join('')}`),
      pairs(3).map((all) => `%${all}`),
      fc.tuple(pairs(2), tie('reply')).map(([all, reply]) => `|${all}${reply}`),
    ),
    // Within a reply there may be what is no part of it.
    element: fc.tuple(fc.option(tie('aside'), { nil: '' }), tie('reply')).map((parts) => parts.join('')),
    aside: fc.oneof(
      { depthSize: 'small' },
      fc.constant('+<aside>\r\n'),
      elements(3).map((values) => `>${values.length}\r\n${values.join('')}`),
    ),
  };
});

describe('ReplyFramer', () => {
  it('finds each reply of RESP2 and RESP3, however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(anyReply, { maxLength: 8 }),
        splitBytes,
        fc.nat({ max: 4 }),
        (values, split, wanted) => {
          const bytes = Buffer.from(values.join(''), 'latin1');
          const framed = frame(split(bytes), wanted);
          expect(framed.malformed).to.equal(false);
          expect(framed.replies).to.have.lengthOf(values.length);
          expect(framed).to.deep.equal(frame([bytes], wanted));
        },
      ),
    );
  });

  it('never fails, and frames arbitrary bytes independently of how they are split', () => {
    const fragment = fc.constantFrom(
      '*',
      '$',
      '1',
      '2',
      '-',
      '0',
      '\r\n',
      '\n',
      '+',
      ':',
      '%',
      '|',
      '>',
      '_',
      '?',
    );
    const rubbish = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(fragment, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(rubbish, splitBytes, (bytes, split) => {
        expect(frame(split(bytes), 3)).to.deep.equal(frame([bytes], 3));
      }),
      { numRuns: 1_000 },
    );
  });

  it('reports the text of a line', () => {
    expect(only('-WRONGPASS no\r\n')).to.deep.equal({ type: '-', text: 'WRONGPASS no', elements: [] });
  });

  it('reports as many of the first elements as requested', () => {
    const push = '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n:1\r\n';
    expect(only(push)?.elements).to.deep.equal([]);
    expect(only(push, 2)?.elements).to.deep.equal([
      { type: '$', text: 'message' },
      { type: '$', text: 'news' },
    ]);
  });

  it('reports other elements by their type', () => {
    expect(only(`*4\r\n*1\r\n:7\r\n%0\r\n$99\r\n${'x'.repeat(99)}\r\n_\r\n`, 9)?.elements).to.deep.equal([
      { type: '*', text: '' },
      { type: '%', text: '' },
      { type: '$', text: '' },
      { type: '_', text: '' },
    ]);
  });

  it('treats an attribute as a part of the next reply', () => {
    expect(only('|1\r\n+key\r\n:1\r\n*2\r\n:1\r\n|1\r\n+key\r\n*0\r\n:2\r\n')?.type).to.equal('*');
  });

  it('treats a push within a reply, and a line of MONITOR, as separate', () => {
    const text = '*2\r\n:1\r\n>2\r\n+message\r\n*1\r\n:0\r\n+<aside>\r\n:2\r\n';
    expect(only(text, 3)?.elements.map((element) => element.text)).to.deep.equal(['1', '2']);
  });

  it('stores no payload', () => {
    const { replies } = frame([
      Buffer.from('$1000000\r\n'),
      ...Array.from({ length: 10 }, () => Buffer.alloc(100_000)),
      Buffer.from('\r\n'),
    ]);
    expect(replies).to.deep.equal([{ type: '$', text: '', elements: [] }]);
  });

  for (const bytes of ['?\r\n', '$x\r\n', '$-2\r\n', '*01\r\n', '\r\n', '$?\r\n']) {
    it(`gives up at ${JSON.stringify(bytes)}`, () => {
      expect(frame([Buffer.from(`${bytes}+OK\r\n`)])).to.deep.equal({ replies: [], malformed: true });
    });
  }
});
