import type { DiagnoseOptions, Finding } from '../../../doctor/index.js';
import { findingsOf, NOWHERE, withoutAuthority, type Findings } from './findings.js';
import { ResourceManager } from './resource-manager.js';

const GROUP =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Cache';
export const CACHE = `${GROUP}/redis/cache1`;
export const MANAGED = `${GROUP}/redisEnterprise/cache1`;
export const DATABASE = `${MANAGED}/databases/default`;
export const SETTINGS = '/providers/Microsoft.Insights/diagnosticSettings';
export const OBJECT_ID = 'd914b123-4f5c-4b8f-9c1a-7f5ce2d4c111';

/** Diagnoses resources of an Azure Resource Manager, which has none at the start of each spec. */
export class ResourceDiagnosis {
  #manager: ResourceManager | undefined;

  /** Declares one for all specs of the `describe` that calls this. */
  static forAll(): ResourceDiagnosis {
    const diagnosis = new ResourceDiagnosis();
    withoutAuthority();
    before(async () => {
      diagnosis.#manager = await ResourceManager.start();
    });
    after(() => diagnosis.#manager?.stop());
    beforeEach(() => {
      diagnosis.manager.resources.clear();
      diagnosis.manager.forbidden.clear();
      diagnosis.manager.scopes.length = 0;
    });
    return diagnosis;
  }

  get manager(): ResourceManager {
    if (!this.#manager) throw new Error('not started yet');
    return this.#manager;
  }

  diagnose(resourceId: string, more: Partial<DiagnoseOptions> = {}): Promise<Findings> {
    const { endpoint, credential, token } = this.manager;
    // An unsigned token of the cache's identity: nothing takes it here.
    const claims = Buffer.from(JSON.stringify({ oid: OBJECT_ID, aud: 'https://redis.azure.com' })).toString(
      'base64url',
    );
    const identity = {
      getToken: () =>
        Promise.resolve({ token: `e30.${claims}.e30`, expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    return findingsOf(
      {
        ...NOWHERE,
        credential: identity,
        resourceId,
        managementEndpoint: endpoint,
        managementCredential: credential,
        ...more,
      },
      [token],
    );
  }
}

/** The status of each check of the settings. */
export function statuses(findings: Findings): Record<string, Finding['status']> {
  return Object.fromEntries(findings.of('posture').map(({ check, status }) => [check, status]));
}
