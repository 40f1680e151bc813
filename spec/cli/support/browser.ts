import { formOf, submitSignIn } from '../../identities/support/sign-in.js';

/** What xdg-open starts as `BROWSER`: it signs the user of the environment in, and returns to the application. */
const { SIGN_IN_USERNAME: username = '', SIGN_IN_PASSWORD: password = '' } = process.env;
const { location, body } = await submitSignIn(process.argv[2] ?? '', { username, password });
if (location === undefined) {
  const { action, fields } = formOf(body);
  await fetch(action, { method: 'POST', body: fields });
} else {
  await fetch(location);
}
