import { z } from 'zod';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS } from '@gatehouse/core/access/policy-in-force.ts';
import type { PolicyShown } from '@gatehouse/core/api/policy.ts';
import type { deploymentSecurity } from '@gatehouse/core/api/deployment.ts';
import { showPolicy, storeChange } from '../access/policy.ts';
import { policiesFrom, policiesOf, policyQuery, readPolicies } from '../directory/policies.ts';
import { require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { controlsOf } from '../platform/deployment.ts';
import { templateFor } from './templates.ts';

/** The template's policy, beside what the levels above it set. */
export async function readTemplatePolicy(ctx: UserContext, templateId: string): Promise<{ shown: PolicyShown; revision: number }> {
  await templateFor(ctx, templateId, 'admin', 'policy.read');
  const policies = await readPolicies(ctx, ctx.db, templateId);
  return { shown: await showPolicy(ctx, policies), revision: policies.template.revision };
}

/**
 * Replaces what the template sets, if it is still what the caller saw. It can only be stricter than the levels above.
 * @throws AppError `permission-denied`, `stale-version`; `invalid` when it would shut the caller out
 */
export async function changeTemplatePolicy(ctx: UserContext, templateId: string, revision: number, values: PolicyValues): Promise<void> {
  const { name } = await templateFor(ctx, templateId, 'admin', 'policy.update');
  const { template } = await readPolicies(ctx, ctx.db, templateId);
  const facts = { action: 'policy.update' as const, resource: { type: 'policy' as const, id: templateId, name: `template ${name}` } };
  await storeChange(ctx, { facts, scope: templateId, revision, before: template.values, after: values });
}

/** Everything that is in force in this deployment for the caller's organisation, and whether it is enforced. */
export async function readSecurity(ctx: UserContext): Promise<z.infer<typeof deploymentSecurity>> {
  await require(ctx, 'policy:read', { action: 'policy.read', resource: { type: 'policy', id: 'deployment', name: 'the deployment' } });
  const [set] = await ctx.db.batch([policyQuery(ctx.db.tenantId, null)]);
  const stored = policiesFrom(set?.rows ?? []);
  const policies = policiesOf(ctx.settings.policy, stored, null);
  const policy = await showPolicy(ctx, policies);
  const stricter = await stricterTemplates(ctx, stored);
  return { browserOnly: policies.policy.browserOnly === 'on', controls: controlsOf(ctx.settings), policy, stricter };
}

const named = z.object({ id: z.string(), name: z.string() });
type Stricter = z.infer<typeof deploymentSecurity>['stricter'][number];

/** By field: how many templates are stricter, and the name and value of the first for those who may see every template. */
async function stricterTemplates(ctx: UserContext, stored: ReturnType<typeof policiesFrom>): Promise<Stricter[]> {
  const rows = await ctx.db.rows(
    `SELECT t.id, t.name FROM policies p JOIN templates t ON t.tenant_id = p.tenant_id AND t.id = p.scope AND t.deleted_at IS NULL
     WHERE p.tenant_id = ? ORDER BY t.name`,
    ctx.db.tenantId,
  );
  const seesAll = ctx.actor.permissions.has('template:admin');
  const found: Stricter[] = [];
  for (const { id, name } of rows.map((each) => named.parse(each))) {
    const { merged } = policiesOf(ctx.settings.policy, stored, id);
    for (const field of POLICY_FIELDS.filter((each) => merged[each].source === 'template')) {
      const known = found.find((each) => each.field === field);
      if (known) known.count += 1;
      else found.push({ field, count: 1, first: seesAll ? { template: name, value: merged[field].value } : null });
    }
  }
  return found;
}
