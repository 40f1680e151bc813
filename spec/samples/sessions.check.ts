import { expect } from 'chai';
import { SampleProcess } from '../support/sample-process.js';
import { past } from '../support/waiting.js';
import { redirectOf, Visitor } from './sessions/support/visitor.js';

const PATH = 'samples/sessions/main.ts';
const PASSWORD = 'a password of the specs';
const ENVIRONMENT = { DEMO_PASSWORD: PASSWORD };

describe('samples/sessions', () => {
  let sample: SampleProcess;
  let visitor: Visitor;

  async function start(...args: string[]): Promise<void> {
    sample = new SampleProcess(PATH, ['--listen', '0', ...args], ENVIRONMENT);
    visitor = new Visitor(await sample.printed(/Open (\S+)/));
  }

  afterEach(() => sample.stop());

  it('keeps users signed in across token expiries, and stops cleanly', async () => {
    await start();
    expect(redirectOf(await visitor.signIn('Ada ', PASSWORD))).to.equal('303 /');
    expect(visitor.page).to.contain('Ada Lovelace').and.to.contain('Administrator');
    const id = visitor.cookies.get('session');
    for (let refresh = 1; refresh <= 3; refresh += 1) {
      // Longer than half of the life of the emulator's tokens, which is when they are refreshed.
      await past(new Date(Date.now() + 3_000));
      expect(redirectOf(await visitor.post('/basket'))).to.equal('303 /');
      await visitor.get('/');
      expect(visitor.page).to.contain(`${refresh} item`);
    }
    expect(visitor.cookies.get('session')).to.equal(id);

    sample.signal('SIGTERM');
    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.match(/evictions: 0\n$/);
    expect(sample.output).to.not.contain(PASSWORD);
  });

  it('signs a session out that is not used', async () => {
    await start('--idle-timeout', '2');
    await visitor.signIn('ada', PASSWORD);
    expect((await visitor.get('/')).status).to.equal(200);
    expect(visitor.page).to.contain('2 seconds');
    // The timeout began before the response did.
    await past(new Date(Date.now() + 2_000));
    expect(redirectOf(await visitor.get('/'))).to.equal('303 /sign-in?ended');
    await visitor.get('/sign-in?ended');
    expect(visitor.page).to.contain('Your session has ended.');
  });

  it('signs a session out at the end of its life, though it is used all the time', async () => {
    // So long that the idle timeout cannot have ended it before.
    await start('--idle-timeout', '4', '--absolute-timeout', '4');
    const before = Date.now();
    await visitor.signIn('ada', PASSWORD);
    while ((await visitor.get('/')).status === 200);
    expect(Date.now() - before).to.be.at.least(4_000);
    expect(redirectOf(await visitor.get('/'))).to.match(/^303 \/sign-in/);
  });

  it('refuses a wrong password, and a user who does not exist', async () => {
    await start();
    for (const [name, password] of [
      ['ada', 'wrong'],
      ['nobody', PASSWORD],
      ['__proto__', PASSWORD],
    ] as const) {
      expect((await visitor.signIn(name, password)).status, name).to.equal(403);
      expect(visitor.page).to.contain('The user name or the password is wrong.');
      expect(visitor.cookies.has('session')).to.equal(false);
    }
  });

  for (const [args, sentence, environment] of [
    [['--idle-timeout', '0'], '--absolute-timeout must not be shorter than --idle-timeout.'],
    [['--absolute-timeout', '60'], '--absolute-timeout must not be shorter than --idle-timeout.'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [[], 'SESSION_SECRET must have 32 characters or more.', { SESSION_SECRET: 'short' }],
    [[], 'DEMO_PASSWORD must have 8 characters or more.', { DEMO_PASSWORD: '1234567' }],
  ] as const satisfies [string[], string, Record<string, string>?][]) {
    it(`says at once: ${sentence}`, async () => {
      sample = new SampleProcess(PATH, args, environment);
      expect(await sample.exitCode()).to.equal(2);
      expect(sample.output).to.contain(sentence).and.contain('\nFlags: --listen --idle-timeout');
    });
  }
});
