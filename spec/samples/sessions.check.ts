import { expect } from 'chai';
import { SampleProcess } from '../support/sample-process.js';
import { past } from '../support/waiting.js';
import { Application, PASSWORD } from './sessions/support/application.js';
import { redirectOf, Visitor } from './sessions/support/visitor.js';

const PATH = 'samples/sessions/main.ts';

describe('samples/sessions', () => {
  it('lets its users in, and nobody else, and prints no password that it was given', async () => {
    const sample = new SampleProcess(PATH, ['--listen', '0'], { DEMO_PASSWORD: PASSWORD });
    try {
      const visitor = new Visitor(await sample.printed(/Open (\S+)/));
      for (const [name, password] of [
        ['ada', 'wrong'],
        ['nobody', PASSWORD],
        ['__proto__', PASSWORD],
      ] as const) {
        expect((await visitor.signIn(name, password)).status, name).to.equal(403);
        expect(visitor.page).to.contain('The user name or the password is wrong.');
        expect(visitor.cookies.has('session')).to.equal(false);
      }
      expect(redirectOf(await visitor.signIn('Ada ', PASSWORD))).to.equal('303 /');
      expect(visitor.page).to.contain('Ada Lovelace').and.to.contain('Administrator');
    } finally {
      await sample.stop();
    }
    expect(sample.output).to.not.contain(PASSWORD);
  });

  it('signs a session out that is not used', async () => {
    const application = await Application.start({ timeouts: { idle: 2_000, absolute: 60_000 } });
    try {
      const visitor = application.visitor();
      await visitor.signIn('ada', PASSWORD);
      expect(visitor.page).to.contain('2 seconds');
      // The timeout began before the response did.
      await past(new Date(Date.now() + 2_000));
      expect(redirectOf(await visitor.get('/'))).to.equal('303 /sign-in?ended');
      await visitor.get('/sign-in?ended');
      expect(visitor.page).to.contain('Your session has ended.');
    } finally {
      await application.stop();
    }
  });

  it('signs a session out at the end of its life, though it is used all the time', async () => {
    // The idle timeout is so long that it cannot have ended it before.
    const application = await Application.start({ timeouts: { idle: 2_000, absolute: 2_000 } });
    try {
      const visitor = application.visitor();
      const before = Date.now();
      await visitor.signIn('ada', PASSWORD);
      while ((await visitor.get('/')).status === 200);
      expect(Date.now() - before).to.be.at.least(2_000);
      expect(redirectOf(await visitor.get('/'))).to.match(/^303 \/sign-in/);
    } finally {
      await application.stop();
    }
  });

  it('says at once what is wrong with its flags and variables', async () => {
    const TIMEOUTS = '--absolute-timeout must not be shorter than --idle-timeout.';
    const inputs: readonly (readonly [string, string[], Record<string, string>?])[] = [
      [TIMEOUTS, ['--idle-timeout', '0']],
      [TIMEOUTS, ['--absolute-timeout', '60']],
      ['SESSION_SECRET must have 32 characters or more.', [], { SESSION_SECRET: 'short' }],
      ['DEMO_PASSWORD must have 8 characters or more.', [], { DEMO_PASSWORD: '1234567' }],
    ];
    await Promise.all(
      inputs.map(async ([sentence, args, environment]) => {
        const sample = new SampleProcess(PATH, args, environment);
        expect(await sample.exitCode()).to.equal(2);
        expect(sample.output).to.contain(sentence).and.contain('\nFlags: --listen --idle-timeout');
      }),
    );
  });
});
