import { describeCopies } from './support/copied-samples.js';

describe('samples that were copied, on a cluster', () => {
  describeCopies({ masters: 3 });
});
