import { z } from 'zod';
import { mergePolicy, policyValues, valuesOf, type MergedPolicy, type PolicyValues } from '@gatehouse/core/access/policy.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import type { Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Scope of the organisation's own policy; a template's is its id. */
export const TENANT_SCOPE = 'tenant';

export interface StoredPolicy {
  values: PolicyValues;
  /** 0: nothing was ever set */
  revision: number;
}
const NOTHING: StoredPolicy = { values: {}, revision: 0 };

const row = z.object({ scope: z.string(), body: z.string(), revision: z.number() });

/** @param scopes JSON array, or null for every scope of the tenant */
export const policyQuery = (tenantId: string, scopes: string | null): Statement =>
  statement(
    'SELECT scope, body, revision FROM policies WHERE tenant_id = ?1 AND (?2 IS NULL OR scope IN (SELECT value FROM json_each(?2)))',
    tenantId,
    scopes,
  );

export const scopesOf = (templateId: string | null): string =>
  JSON.stringify(templateId === null ? [TENANT_SCOPE] : [TENANT_SCOPE, templateId]);

/** What `policyQuery` answered, by scope. */
export function policiesFrom(rows: ReadonlyArray<Record<string, unknown>>): Map<string, StoredPolicy> {
  const parsed = rows.map((each) => row.parse(each));
  return new Map(parsed.map(({ scope, body, revision }) => [scope, { values: policyValues.parse(JSON.parse(body)), revision }]));
}

/** Everything that is set for a tenant, and for one of its templates. */
export interface Policies {
  deployment: PolicyValues;
  tenant: StoredPolicy;
  template: StoredPolicy;
  merged: MergedPolicy;
  /** what is in force */
  policy: Policy;
}

export function policiesOf(deployment: PolicyValues, stored: ReadonlyMap<string, StoredPolicy>, templateId: string | null): Policies {
  const tenant = stored.get(TENANT_SCOPE) ?? NOTHING;
  const template = (templateId === null ? undefined : stored.get(templateId)) ?? NOTHING;
  const merged = mergePolicy(deployment, tenant.values, template.values);
  return { deployment, tenant, template, merged, policy: valuesOf(merged) };
}

/** Read with each use: what was set a moment ago counts. */
export async function readPolicies(services: Pick<Services, 'settings'>, db: TenantDb, templateId: string | null): Promise<Policies> {
  const [found] = await db.batch([policyQuery(db.tenantId, scopesOf(templateId))]);
  return policiesOf(services.settings.policy, policiesFrom(found?.rows ?? []), templateId);
}

/** Matches nothing unless the stored policy is still that revision. */
export const storePolicy = (
  tenantId: string,
  policy: { scope: string; values: PolicyValues; revision: number; by: string; now: string },
): Statement =>
  statement(
    `INSERT INTO policies (tenant_id, scope, body, revision, updated_at, updated_by)
     SELECT ?1, ?2, ?3, 1, ?5, ?6 WHERE ?4 = 0 OR EXISTS (SELECT 1 FROM policies WHERE tenant_id = ?1 AND scope = ?2 AND revision = ?4)
     ON CONFLICT (tenant_id, scope) DO UPDATE SET body = excluded.body, revision = policies.revision + 1, updated_at = excluded.updated_at,
       updated_by = excluded.updated_by WHERE policies.revision = ?4`,
    ...[tenantId, policy.scope, JSON.stringify(policy.values), policy.revision, policy.now, policy.by],
  );
