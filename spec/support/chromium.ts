import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

const ARGUMENTS = [
  '--headless',
  // Chromium refuses to run as root otherwise, and containers often have no other user.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a temporary profile, which `stop` removes. It does not verify certificates. */
export async function startChromium(): Promise<{ context: BrowserContext; stop: () => Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: ARGUMENTS,
    ignoreHTTPSErrors: true,
  });
  return {
    context,
    async stop() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The path of the Chromium that scripts/ensure-chromium.sh found or installed. */
function findChromium(): string {
  const { CHROMIUM, PATH = '' } = process.env;
  const folders = PATH.split(delimiter);
  const candidates = CHROMIUM ? [CHROMIUM] : [...PROGRAMS, MACOS];
  const paths = candidates.flatMap((program) =>
    program.includes('/') ? [program] : folders.map((folder) => join(folder, program)),
  );
  const found = paths.find(isExecutable);
  if (found === undefined) throw new Error('No Chromium was found. Run: npm run ensure-chromium');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
