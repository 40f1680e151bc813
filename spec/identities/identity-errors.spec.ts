import {
  AggregateAuthenticationError,
  AuthenticationError,
  AuthenticationRequiredError,
  CredentialUnavailableError,
} from '@azure/identity';
import { AuthError, ClientAuthError, InteractionRequiredAuthError, ServerError } from '@azure/msal-node';
import { expect } from 'chai';
import { useFakeTimers, type SinonFakeTimers } from 'sinon';
import { AzureRedisError } from '../../lib/errors.js';
import {
  classifyIdentityError,
  parseRetryAfter,
  retryAfterOf,
} from '../../lib/identities/identity-errors.js';

/** Entra's answer in JSON, as its token endpoint sends it. */
function entraAnswer(code: number, error = 'invalid_client') {
  return {
    error,
    error_description: `AADSTS${code}: Something. Trace ID: 1 Correlation ID: 2 Timestamp: 2030-01-01 00:00:00Z`,
    error_codes: [code],
    timestamp: '2030-01-01 00:00:00Z',
    trace_id: '1',
    correlation_id: '2',
  };
}

/** The text that msal makes of Entra's answer. */
function msalText(code: number): string {
  return `Error(s): ${code} - Timestamp: t - Description: AADSTS${code}: Something. - Correlation ID: 2 - Trace ID: 1`;
}

describe('classifyIdentityError()', () => {
  const refusals: [number, RegExp][] = [
    [7000215, /"Value"/],
    [7000222, /expired/],
    [700016, /clientId/],
    [90002, /tenantId/],
    [50034, /user name/],
    [700027, /certificate/i],
    [50027, /AZURE_FEDERATED_TOKEN_FILE/],
    [65001, /consent/],
    [500011, /redis\.azure\.com/],
    [50011, /redirect URI/],
    [700082, /sign in again/],
    [700213, /issuer, subject and audience/],
  ];
  for (const [code, hint] of refusals) {
    it(`classifies AADSTS${code} as permanent, with its own hint, from either library`, () => {
      const errors = [
        new AuthenticationError(401, entraAnswer(code)),
        new ServerError('invalid_client', 'id', msalText(code), '', String(code), 401),
        new AuthenticationRequiredError({ scopes: [], message: `invalid_client: ${msalText(code)}` }),
        new InteractionRequiredAuthError('invalid_grant', 'id', `AADSTS${code}: Something.`),
        new Error('the first token failed', { cause: new AuthenticationError(400, entraAnswer(code)) }),
      ];
      for (const error of errors) {
        const description = classifyIdentityError(error);
        expect(description.permanent, error.name).to.equal(true);
        expect(description.hint, error.name).to.match(hint);
      }
    });
  }

  it('classifies an unlisted AADSTS number as permanent, and links to its page', () => {
    const description = classifyIdentityError(new AuthenticationError(400, entraAnswer(51234)));
    expect(description.permanent).to.equal(true);
    expect(description.hint).to.include('error?code=51234');
  });

  it('takes no other number for one of Entra: that of Azure Arc is the HTTP status', () => {
    const answer = { error: 'unauthorized_client', errorCodes: [401] };
    const { hint } = classifyIdentityError(Object.assign(new Error('no'), { errorResponse: answer }));
    expect(hint).to.match(/Check the identity options/);
  });

  for (const code of [90033, 50196, 90024]) {
    it(`classifies AADSTS${code} as transient`, () => {
      expect(classifyIdentityError(new AuthenticationError(400, entraAnswer(code))).permanent).to.equal(
        false,
      );
    });
  }

  it('classifies an expired assertion as transient, and points to the clock', () => {
    const description = classifyIdentityError(new AuthenticationError(401, entraAnswer(700024)));
    expect(description.permanent).to.equal(false);
    expect(description.hint).to.match(/clock/);
  });

  it('classifies a known number with a 5xx status as transient', () => {
    expect(classifyIdentityError(new AuthenticationError(503, entraAnswer(7000215))).permanent).to.equal(
      false,
    );
  });

  it('classifies an OAuth error without a number as permanent', () => {
    for (const code of ['invalid_client', 'unauthorized_client', 'invalid_grant'])
      expect(classifyIdentityError(new ServerError(code, 'id', 'no')).permanent, code).to.equal(true);
  });

  it('classifies 408, 429 and 5xx as transient', () => {
    for (const status of [408, 429, 500, 502, 503, 504]) {
      const description = classifyIdentityError({ statusCode: status, message: 'no' });
      expect(description.permanent, String(status)).to.equal(false);
      expect(description.hint).to.match(/slow down|retried automatically/);
    }
  });

  it('classifies network errors as transient, with a hint', () => {
    const errors = [
      Object.assign(new Error('getaddrinfo ENOTFOUND login.microsoftonline.com'), { code: 'ENOTFOUND' }),
      Object.assign(new Error('connect'), { name: 'RestError', code: 'REQUEST_SEND_ERROR' }),
      new AuthError('network_error', 'id', 'Network request failed: fetch failed'),
      new TypeError('fetch failed', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) }),
    ];
    for (const error of errors) {
      const description = classifyIdentityError(error);
      expect(description.permanent).to.equal(false);
      expect(description.hint).to.match(/network, DNS, proxy/);
    }
  });

  it('classifies an untrusted certificate as transient, and names NODE_EXTRA_CA_CERTS', () => {
    const error = Object.assign(new Error('unable to get local issuer certificate'), {
      code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    });
    const description = classifyIdentityError(error);
    expect(description.permanent).to.equal(false);
    expect(description.hint).to.match(/NODE_EXTRA_CA_CERTS/);
  });

  it('explains that a managed identity exists only in Azure, and names az login', () => {
    const description = classifyIdentityError(
      new CredentialUnavailableError(
        'ManagedIdentityCredential: Authentication failed. Message network_error',
      ),
    );
    expect(description.permanent).to.equal(false);
    expect(description.hint)
      .to.match(/only inside Azure/)
      .and.match(/az login/);
  });

  it('says which identities can be set up when a chain finds none', () => {
    const chain = new AggregateAuthenticationError(
      [new CredentialUnavailableError('EnvironmentCredential is unavailable.')],
      'ChainedTokenCredential authentication failed.',
    );
    const description = classifyIdentityError(chain);
    expect(description.permanent).to.equal(false);
    expect(description.hint)
      .to.match(/az login/)
      .and.match(/AZURE_CLIENT_ID/);
  });

  it('finds the rejection in a chain whose other identities are unavailable', () => {
    const chain = new AggregateAuthenticationError(
      [
        new CredentialUnavailableError('EnvironmentCredential is unavailable.'),
        new AuthenticationRequiredError({ scopes: [], message: `invalid_client: ${msalText(7000222)}` }),
      ],
      'ChainedTokenCredential authentication failed.',
    );
    const description = classifyIdentityError(chain);
    expect(description.permanent).to.equal(true);
    expect(description.hint).to.match(/expired/);
  });

  it('points to tenant and authority when the discovery fails', () => {
    const errors = [
      new ClientAuthError('endpoints_resolution_error', 'id'),
      new CredentialUnavailableError('endpoints_resolution_error: Endpoints cannot be resolved'),
    ];
    for (const error of errors)
      expect(classifyIdentityError(error).hint).to.match(/`tenantId`, `cloud` or `authorityHost`/);
  });

  it('returns Retry-After, wherever the library keeps it', () => {
    const headers = { get: (name: string) => (name === 'retry-after' ? '12' : undefined) };
    const throttled = Object.assign(new Error('throttled'), { statusCode: 429, response: { headers } });
    expect(classifyIdentityError(throttled).retryAfter).to.equal(12_000);
    expect(classifyIdentityError(new Error('outer', { cause: throttled })).retryAfter).to.equal(12_000);
    expect(
      classifyIdentityError(new AggregateAuthenticationError([throttled], 'all failed')).retryAfter,
    ).to.equal(12_000);
    expect(classifyIdentityError(new Error('no'))).to.not.have.property('retryAfter');
  });

  it('keeps the hint of an AzureRedisError', () => {
    const refused = new AzureRedisError('INVALID_OPTION', 'no such file', 'Check the path.');
    expect(classifyIdentityError(refused)).to.deep.equal({ permanent: true, hint: 'Check the path.' });
    const unavailable = new AzureRedisError('TOKEN_UNAVAILABLE', 'later', 'Wait.');
    expect(classifyIdentityError(unavailable)).to.deep.equal({ permanent: false, hint: 'Wait.' });
  });

  it('describes any value that a custom credential may throw', () => {
    const circular: { cause?: unknown } = {};
    circular.cause = circular;
    for (const thrown of [undefined, null, 'text', 42, {}, circular, Symbol('x')]) {
      const description = classifyIdentityError(thrown);
      expect(description.permanent).to.equal(false);
      expect(description.hint).to.be.a('string').and.not.empty;
    }
  });
});

describe('Retry-After', () => {
  let clock: SinonFakeTimers;
  beforeEach(() => {
    clock = useFakeTimers({ now: Date.UTC(2030, 0, 1), toFake: ['Date'] });
  });
  afterEach(() => {
    clock.restore();
  });

  it('is parsed as seconds', () => {
    expect(parseRetryAfter('7')).to.equal(7000);
    expect(parseRetryAfter('0')).to.equal(0);
  });

  it('is parsed as an HTTP date; a past date means now', () => {
    expect(parseRetryAfter('Tue, 01 Jan 2030 00:00:30 GMT')).to.equal(30_000);
    expect(parseRetryAfter('Tue, 01 Jan 2019 00:00:30 GMT')).to.equal(0);
  });

  it('is ignored when it is missing or invalid', () => {
    for (const header of [undefined, '', '  ', 'soon', '-5x'])
      expect(parseRetryAfter(header)).to.equal(undefined);
  });

  it('is found in a RestError, in plain headers and in Headers of fetch', () => {
    const get = (name: string) => (name === 'retry-after' ? '3' : undefined);
    expect(retryAfterOf({ response: { status: 429, headers: { get } } })).to.equal(3000);
    expect(retryAfterOf({ headers: { 'Retry-After': '4' } })).to.equal(4000);
    expect(retryAfterOf({ responseHeaders: { 'retry-after': 5 } })).to.equal(5000);
    expect(retryAfterOf({ response: new Response(null, { headers: { 'Retry-After': '6' } }) })).to.equal(
      6000,
    );
  });

  it('yields to the headers of Azure services in milliseconds', () => {
    expect(retryAfterOf({ headers: { 'retry-after': '2', 'x-ms-retry-after-ms': '1500' } })).to.equal(1500);
  });

  it('is undefined for an error without headers', () => {
    expect(retryAfterOf({ message: 'no' })).to.equal(undefined);
    expect(retryAfterOf({ headers: null, response: 'text' })).to.equal(undefined);
  });
});
