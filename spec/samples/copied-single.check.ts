import { describeCopies } from './support/copied-samples.js';

describe('samples that were copied, on one server', () => {
  describeCopies();
});
