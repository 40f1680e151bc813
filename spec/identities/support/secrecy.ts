import { inspect } from 'node:util';
import { expect } from 'chai';

/** Checks that something shows no secret: not inspected, not as JSON, not as text. */
export function expectNoSecret(shown: unknown, secrets: Readonly<Record<string, string>>): void {
  const texts = [inspect(shown, { depth: null, showHidden: true, maxStringLength: null }), String(shown)];
  if (typeof shown === 'object')
    texts.push(inspect(shown, { depth: null, showHidden: true, customInspect: false }));
  if (!(shown instanceof Error)) texts.push(JSON.stringify(shown));
  for (const [name, secret] of Object.entries(secrets)) {
    // Long secrets may be wrapped in lines or cut; forty characters of one are a leak.
    const body = secret.replaceAll(/-----[^-]+-----/g, ' ');
    const pieces = [...body.matchAll(/[^\s]{8,40}/g)].map(([piece]) => piece);
    for (const text of texts) {
      const leaked = pieces.some((piece) => text.includes(piece));
      expect(leaked, `${name} is shown`).to.equal(false);
    }
  }
}
