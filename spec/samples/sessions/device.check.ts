import { expect } from 'chai';
import { deviceOf } from '../../../samples/sessions/web/device.js';

const MOZILLA = 'Mozilla/5.0';
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('samples/sessions, its names of devices', () => {
  for (const [name, kind, userAgent] of [
    [
      'Chrome on Windows',
      'computer',
      `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`,
    ],
    [
      'Edge on Windows',
      'computer',
      `${MOZILLA} (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
    ],
    [
      'Opera on Linux',
      'computer',
      `${MOZILLA} (X11; Linux x86_64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0`,
    ],
    ['Firefox on Linux', 'computer', `${MOZILLA} (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0`],
    [
      'Safari on macOS',
      'computer',
      `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15`,
    ],
    [
      'Chrome on ChromeOS',
      'computer',
      `${MOZILLA} (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`,
    ],
    [
      'Safari on iPhone',
      'phone',
      `${MOZILLA} (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1`,
    ],
    [
      'Chrome on iPhone',
      'phone',
      `${MOZILLA} (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1`,
    ],
    [
      'Chrome on Android',
      'phone',
      `${MOZILLA} (Linux; Android 10; K) ${WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36`,
    ],
    [
      'Samsung Internet on Android',
      'tablet',
      `${MOZILLA} (Linux; Android 14; SM-X710) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36`,
    ],
    ['curl', 'unknown', 'curl/8.5.0'],
    ['Unknown device', 'unknown', MOZILLA],
    ['Unknown device', 'unknown', ''],
    ['Unknown device', 'unknown', '<script>alert(1)</script>'],
  ] as const) {
    it(`names ${name}: ${userAgent.slice(0, 40)}`, () => {
      expect(deviceOf(userAgent)).to.deep.equal({ name, kind });
    });
  }
});
