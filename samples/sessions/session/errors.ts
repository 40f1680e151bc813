/** Redis did not answer, or refused. The session may well exist. */
export class SessionsUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The sessions are unavailable.', { cause });
  }
}

/** The session has expired or was signed out while it was being used. */
export class SessionEndedError extends Error {
  constructor() {
    super('The session has ended.');
  }
}

/** Other requests have changed the session for so long that this one gave up, or lost its turn. */
export class SessionBusyError extends Error {
  constructor() {
    super('The session is being changed by other requests.');
  }
}

/** What Redis says is for the log, users are told that the sessions are unavailable. */
export async function reportUnavailable<Result>(reply: Promise<Result>): Promise<Result> {
  try {
    return await reply;
  } catch (error) {
    throw new SessionsUnavailableError(error);
  }
}
