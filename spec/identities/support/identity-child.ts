import { inspect } from 'node:util';
import type { TokenCredential } from '@azure/core-auth';
import { classifyIdentityError } from '../../../lib/identities/identity-errors.js';
import { answerQuestions, settings } from './answering-process.js';
import { credentialOf, type IdentityDescription } from './identity-options.js';
import type { Answer } from './identity-process.js';

const SCOPE = 'https://redis.azure.com/.default';

// Given by IdentityProcess, in this form.
const identity = settings() as IdentityDescription;
let credential: TokenCredential | undefined;

answerQuestions(async (): Promise<Answer> => {
  try {
    credential ??= await credentialOf(identity);
    const token = await credential.getToken(SCOPE);
    if (!token) throw new Error('no token');
    return { token };
  } catch (error) {
    const text = inspect(error, { depth: null, showHidden: true });
    return { error: { description: classifyIdentityError(error), text } };
  }
});
