import { expect } from 'chai';
import { isPrivateAddress } from '../../doctor/network.js';

describe('isPrivateAddress', () => {
  for (const address of [
    '10.0.0.4',
    '172.31.255.1',
    '192.168.1.1',
    '100.64.0.1',
    '127.0.0.1',
    '::1',
    'fd00::4',
    'fe80::1',
  ]) {
    it(`takes ${address} for private`, () => {
      expect(isPrivateAddress(address)).to.equal(true);
    });
  }
  for (const address of ['20.50.1.1', '172.32.0.1', '11.0.0.1', '2603:1020::1', '::2']) {
    it(`takes ${address} for public`, () => {
      expect(isPrivateAddress(address)).to.equal(false);
    });
  }
});
