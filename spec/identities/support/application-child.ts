import type { TokenCredential } from '@azure/core-auth';
import { answerQuestions, settings } from './answering-process.js';
import type { ApplicationQuestion } from './application-process.js';
import { Application, type ApplicationDescription, type ApplicationReport } from './application.js';
import { credentialOf } from './identity-options.js';

// Given by ApplicationProcess, in this form.
const descriptions = settings() as readonly ApplicationDescription[];
let applications: Application[] = [];

answerQuestions(async (question): Promise<ApplicationReport[]> => {
  // Asked by ApplicationProcess, and nobody else.
  switch (question as ApplicationQuestion) {
    case 'prepare':
      await Promise.all(descriptions.map(async ({ identity }) => askForToken(await credentialOf(identity))));
      return [];
    case 'start':
      applications = await Promise.all(descriptions.map((description) => Application.start(description)));
      return [];
    case 'finish':
      return Promise.all(applications.map((application) => application.finish()));
  }
});

async function askForToken(credential: TokenCredential): Promise<void> {
  await credential.getToken('https://redis.azure.com/.default');
}
