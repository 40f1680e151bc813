import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { importPKCS8, SignJWT, type JWTHeaderParameters } from 'jose';
import {
  type ClientCertificate,
  createClientCertificate,
} from '../../../identities/support/client-certificates.js';
import type { JsonAnswer } from '../support/client.js';
import { expectRefusal, SCOPE, TokenEndpoint } from '../support/token-endpoint.js';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe("EntraEmulator's token endpoint", () => {
  const endpoint = TokenEndpoint.forAll();

  describe('client_credentials with a certificate', () => {
    let certificate: ClientCertificate;
    before(async () => {
      certificate = await createClientCertificate();
    });
    beforeEach(() => {
      endpoint.application.addCertificate(certificate.cert);
    });

    async function assertion(
      changes: {
        header?: Partial<JWTHeaderParameters>;
        payload?: Readonly<Record<string, unknown>>;
        signedBy?: ClientCertificate;
      } = {},
    ): Promise<string> {
      const { header, payload, signedBy = certificate } = changes;
      const alg = header?.alg ?? 'PS256';
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: endpoint.application.clientId,
        sub: endpoint.application.clientId,
        aud: `${endpoint.entra.authorityHost}/${endpoint.entra.tenantId}/oauth2/v2.0/token`,
        jti: randomUUID(),
        nbf: now,
        exp: now + 600,
        ...payload,
      })
        .setProtectedHeader({ alg, 'x5t#S256': thumbprint(certificate.cert, 'sha256'), ...header })
        .sign(await importPKCS8(signedBy.key, alg));
    }

    async function ask(changes?: Parameters<typeof assertion>[0]): Promise<JsonAnswer> {
      return endpoint.request({
        grant_type: 'client_credentials',
        client_id: endpoint.application.clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await assertion(changes),
        scope: SCOPE,
      });
    }

    it('accepts SHA-256 and SHA-1 thumbprints', async () => {
      const { status, json } = await ask();
      expect(status).to.equal(200);
      const claims = await endpoint.authority.verify(String(json['access_token']));
      expect(claims).to.include({ oid: endpoint.application.objectId, appidacr: '2' });
      const sha1 = { alg: 'RS256', 'x5t#S256': '', x5t: thumbprint(certificate.cert, 'sha1') };
      expect((await ask({ header: sha1 })).status).to.equal(200);
    });

    it('accepts an assertion for the tenant in place of the token endpoint', async () => {
      const payload = { aud: `${endpoint.entra.authorityHost}/${endpoint.entra.tenantId}/v2.0` };
      expect((await ask({ payload })).status).to.equal(200);
    });

    it('rejects another key and an unregistered certificate', async () => {
      const other = await createClientCertificate();
      const unregistered = { status: 401, error: 'invalid_client', code: 700027 };
      expectRefusal(await ask({ signedBy: other }), unregistered);
      const header = { 'x5t#S256': thumbprint(other.cert, 'sha256') };
      expectRefusal(await ask({ header, signedBy: other }), unregistered);
      expectRefusal(await ask({ header: { 'x5t#S256': '' } }), unregistered);
    });

    it('rejects an assertion that has expired, is not valid yet, or has no jti', async () => {
      const now = Math.floor(Date.now() / 1000);
      const outOfTime = { status: 401, error: 'invalid_client', code: 700024 };
      expectRefusal(await ask({ payload: { exp: now - 600 } }), outOfTime);
      expectRefusal(await ask({ payload: { nbf: now + 600 } }), outOfTime);
      const withoutId = { status: 401, error: 'invalid_client', code: 700027 };
      expectRefusal(await ask({ payload: { jti: undefined } }), withoutId);
    });

    it('rejects an assertion for another client or another authority', async () => {
      const other = { status: 401, error: 'invalid_client', code: 700021 };
      expectRefusal(await ask({ payload: { sub: randomUUID() } }), other);
      const elsewhere = { status: 401, error: 'invalid_client', code: 700023 };
      expectRefusal(await ask({ payload: { aud: 'https://login.microsoftonline.com/x/v2.0' } }), elsewhere);
    });

    it('rejects malformed assertions', async () => {
      const form = {
        grant_type: 'client_credentials',
        client_id: endpoint.application.clientId,
        scope: SCOPE,
      };
      const malformed = { status: 401, error: 'invalid_client', code: 50027 };
      const answer = endpoint.request({
        ...form,
        client_assertion: 'x',
        client_assertion_type: ASSERTION_TYPE,
      });
      expectRefusal(await answer, malformed);
      const untyped = { status: 400, error: 'invalid_request', code: 900144 };
      expectRefusal(await endpoint.request({ ...form, client_assertion: await assertion() }), untyped);
    });

    describe('by Subject Name + Issuer', () => {
      let issuer: ClientCertificate;
      before(async () => {
        issuer = await createClientCertificate({ commonName: 'CA', authority: true });
      });

      async function askWithChain(
        leaf: ClientCertificate,
        ...issuers: ClientCertificate[]
      ): Promise<JsonAnswer> {
        const x5c = [leaf, ...issuers].map(({ cert }) => new X509Certificate(cert).raw.toString('base64'));
        return ask({ signedBy: leaf, header: { 'x5t#S256': thumbprint(leaf.cert, 'sha256'), x5c } });
      }

      it('accepts every certificate of the subject from the issuer, also through an intermediate', async () => {
        endpoint.application.trustSubject({ subject: 'CN=app', issuer: issuer.cert });
        for (const leaf of [1, 2].map(() => createClientCertificate({ commonName: 'app', issuer }))) {
          expect((await askWithChain(await leaf)).status).to.equal(200);
        }
        const intermediate = await createClientCertificate({
          commonName: 'Intermediate',
          authority: true,
          issuer,
        });
        const leaf = await createClientCertificate({ commonName: 'app', issuer: intermediate });
        expect((await askWithChain(leaf, intermediate)).status).to.equal(200);
      });

      it('rejects another subject, another issuer of the same name, and an issuer that is not an authority', async () => {
        endpoint.application.trustSubject({ subject: 'CN=app', issuer: issuer.cert });
        const refused = { status: 401, error: 'invalid_client', code: 700027 };
        expectRefusal(
          await askWithChain(await createClientCertificate({ commonName: 'other', issuer })),
          refused,
        );
        const forger = await createClientCertificate({ commonName: 'CA', authority: true });
        expectRefusal(
          await askWithChain(await createClientCertificate({ commonName: 'app', issuer: forger })),
          refused,
        );
        const employee = await createClientCertificate({ commonName: 'employee', issuer });
        const forged = await createClientCertificate({ commonName: 'app', issuer: employee });
        expectRefusal(await askWithChain(forged, employee), refused);
      });
    });
  });

  describe('client_credentials with a federated token', () => {
    const subject = 'system:serviceaccount:default:my-app';

    async function ask(token: string): Promise<JsonAnswer> {
      return endpoint.request({
        grant_type: 'client_credentials',
        client_id: endpoint.application.clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: token,
        scope: SCOPE,
      });
    }

    it('accepts the token of a trusted service account', async () => {
      await endpoint.entra.addWorkloadIdentity(endpoint.application, subject);
      expect((await ask(await endpoint.entra.issueFederatedToken({ subject }))).status).to.equal(200);
    });

    it('rejects another subject, audience or issuer, and an expired token', async () => {
      const refused = (code: number) => ({ status: 401, error: 'invalid_client', code });
      expectRefusal(await ask(await endpoint.entra.issueFederatedToken({ subject })), refused(700211));
      await endpoint.entra.addWorkloadIdentity(endpoint.application, subject);
      expectRefusal(
        await ask(await endpoint.entra.issueFederatedToken({ subject: 'other' })),
        refused(700213),
      );
      expectRefusal(
        await ask(await endpoint.entra.issueFederatedToken({ subject, audience: 'other' })),
        refused(700212),
      );
      expectRefusal(
        await ask(await endpoint.entra.issueFederatedToken({ subject, lifetime: -60_000 })),
        refused(700024),
      );
      expectRefusal(await ask(await endpoint.authority.sign({ sub: subject }, 60_000)), refused(700211));
    });
  });
});

function thumbprint(cert: string, hash: 'sha1' | 'sha256'): string {
  return createHash(hash).update(new X509Certificate(cert).raw).digest('base64url');
}
