import { inspect } from 'node:util';
import { expect } from 'chai';

/** Checks that a value shows no secret: not inspected, not as JSON, not as a string. */
export function expectNoSecret(shown: unknown, secrets: Readonly<Record<string, string>>): void {
  expect(shown, 'the value to search').to.satisfy((value: unknown) => value !== undefined && value !== '');
  expect(secrets, 'the secrets to search for').to.not.be.empty;
  const texts = [inspect(shown, { depth: null, showHidden: true, maxStringLength: null }), String(shown)];
  if (typeof shown === 'object')
    texts.push(inspect(shown, { depth: null, showHidden: true, customInspect: false }));
  if (!(shown instanceof Error)) texts.push(JSON.stringify(shown));
  for (const [name, secret] of Object.entries(secrets)) {
    // A long secret may be wrapped or cut: forty characters of it are a leak.
    const body = secret.replaceAll(/-----[^-]+-----/g, ' ');
    const pieces = [...body.matchAll(/[^\s]{8,40}/g)].map(([piece]) => piece);
    expect(pieces, `the parts of ${name} to search for`).to.not.be.empty;
    for (const text of texts) {
      const leaked = pieces.some((piece) => text.includes(piece));
      expect(leaked, `${name} is shown`).to.equal(false);
    }
  }
}
