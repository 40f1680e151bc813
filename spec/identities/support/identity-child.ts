import { inspect } from 'node:util';
import type { TokenCredential } from '@azure/core-auth';
import { describeIdentityError } from '../../../lib/identities/identity-errors.js';
import { credentialOf, type IdentityDescription } from './identity-options.js';
import type { Answer } from './identity-process.js';

const SCOPE = 'https://redis.azure.com/.default';

// Written by IdentityProcess, in this form.
const identity = JSON.parse(process.argv[2] ?? '') as IdentityDescription;
let credential: TokenCredential | undefined;

process.on('message', () => {
  void answer().then((answered) => process.send?.(answered));
});

async function answer(): Promise<Answer> {
  try {
    credential ??= await credentialOf(identity);
    const token = await credential.getToken(SCOPE);
    if (!token) throw new Error('no token');
    return { token };
  } catch (error) {
    const text = inspect(error, { depth: null, showHidden: true });
    return { error: { description: describeIdentityError(error), text } };
  }
}
