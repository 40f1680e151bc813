import { signIn } from '../../identities/support/sign-in.js';

/** What xdg-open starts as `BROWSER`: it signs the user of the environment in, and follows the redirect. */
const { SIGN_IN_USERNAME: username = '', SIGN_IN_PASSWORD: password = '' } = process.env;
await fetch(await signIn(process.argv[2] ?? '', { username, password }));
