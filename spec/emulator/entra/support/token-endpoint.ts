import { expect } from 'chai';
import { type Application, EntraEmulator } from '../../../../emulator/entra/index.js';
import { createTokenAuthority, type TokenAuthority } from '../../../../emulator/tokens.js';
import { askForToken, type JsonAnswer } from './client.js';

export const SCOPE = 'https://redis.azure.com/.default';

/** The token endpoint of an EntraEmulator, with a new application for each spec. */
export class TokenEndpoint {
  application!: Application;
  authority!: TokenAuthority;
  entra!: EntraEmulator;

  /** Starts one for all specs of the `describe` that calls this. */
  static forAll(): TokenEndpoint {
    const endpoint = new TokenEndpoint();
    before(async () => {
      endpoint.authority = await createTokenAuthority();
      endpoint.entra = await EntraEmulator.start({ authority: endpoint.authority });
    });
    after(() => endpoint.entra.stop());
    beforeEach(() => {
      endpoint.application = endpoint.entra.addApplication();
      endpoint.entra.tokenLifetime = 3_600_000;
    });
    return endpoint;
  }

  /** Posts a form; a field that is undefined is left out. */
  request(form: Readonly<Record<string, string | undefined>>, tenant?: string): Promise<JsonAnswer> {
    return askForToken(this.entra, form, tenant);
  }
}

/** Checks an error reply for its HTTP status, its OAuth error and its AADSTS number. */
export function expectRefusal(
  { status, json }: JsonAnswer,
  expected: { status: number; error: string; code: number },
): void {
  expect(json).to.include.keys('timestamp', 'trace_id', 'correlation_id', 'error_uri');
  expect({ status, error: json['error'], codes: json['error_codes'] }).to.deep.equal({
    status: expected.status,
    error: expected.error,
    codes: [expected.code],
  });
  expect(json['error_description']).to.match(
    new RegExp(`^AADSTS${expected.code}: .+ Trace ID: .+ Timestamp: `),
  );
}
