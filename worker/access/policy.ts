import { enforcementOf, type RunnerReport } from '@gatehouse/core/access/enforcement.ts';
import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { UNAVAILABLE, type MergedPolicy, type PolicyValues } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS, type PolicyField } from '@gatehouse/core/access/policy-in-force.ts';
import type { PolicyShown, ShownField } from '@gatehouse/core/api/policy.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { readPolicies, storePolicy, TENANT_SCOPE, type Policies } from '../directory/policies.ts';
import { recentRefusals } from '../directory/policy-refusals.ts';
import { commit, eventOf, onGuard, refuse, require, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { readRunnerReports, refreshRunners } from './policy-runners.ts';

const RULES = Object.fromEntries(POLICY_FIELDS.map((field) => [field, 'tracked'])) as FieldRules<PolicyValues>;

/** Fields whose refusals the Worker sees; the others end or refuse elsewhere. */
const COUNTED: readonly PolicyField[] = ['browserOnly', 'allowedNetworks', 'sessionLimit', 'stepUp', 'ports'];

const tenantFacts = (ctx: UserContext, action: 'policy.read' | 'policy.update') => ({
  action,
  resource: { type: 'policy' as const, id: TENANT_SCOPE, name: ctx.tenant.name },
});

/** The organisation's policy, each field with its source and its state. */
export async function readTenantPolicy(ctx: UserContext): Promise<{ shown: PolicyShown; revision: number }> {
  await require(ctx, 'policy:read', tenantFacts(ctx, 'policy.read'));
  const policies = await readPolicies(ctx, ctx.db, null);
  return { shown: await showPolicy(ctx, policies), revision: policies.tenant.revision };
}

/**
 * Replaces what the organisation sets, if it is still what the caller saw.
 * @throws AppError `permission-denied`, `stale-version`; `invalid` when it would shut the caller out
 */
export async function changeTenantPolicy(ctx: UserContext, revision: number, values: PolicyValues): Promise<void> {
  const facts = tenantFacts(ctx, 'policy.update');
  await require(ctx, 'policy:update', facts);
  const { tenant } = await readPolicies(ctx, ctx.db, null);
  await storeChange(ctx, { facts, scope: TENANT_SCOPE, revision, before: tenant.values, after: values });
}

/** A change of what one level sets, by somebody who may. */
export interface PolicyChange {
  facts: Pick<EventFacts, 'action' | 'resource'>;
  scope: string;
  revision: number;
  before: PolicyValues;
  after: PolicyValues;
}

/**
 * Stores a change with its event, looks at all open connections again, and tells the runners.
 * @throws AppError `stale-version`; `permission-denied` when it opens egress and the caller is no owner; `invalid` when it would shut the caller out
 */
export async function storeChange(ctx: UserContext, { facts, scope, revision, before, after }: PolicyChange): Promise<void> {
  if (after.egress === 'open' && before.egress !== 'open' && !ctx.actor.roles.includes('owner'))
    await refuse(ctx, facts, 'Only owners open egress');
  refuseShuttingOut(ctx, after);
  const now = ctx.now().toISOString();
  const guard = storePolicy(ctx.db.tenantId, { scope, values: after, revision, by: ctx.actor.id, now });
  const event = eventOf(ctx, { ...facts, status: 200, diff: diff(RULES, before, after) });
  await onGuard(
    commit(ctx, {
      guard,
      events: [event],
      lessens: { users: 'everybody', cause: `The policy of ${facts.resource.name} changed`, policy: true },
    }),
    () => new AppError('stale-version', 'Somebody changed this policy in the meantime. Load it again and repeat your change.'),
  );
  const told = refreshRunners(ctx);
  ctx.defer(told.catch((error: unknown) => ctx.log('error', 'runners were not told of a policy', { error: String(error) })));
}

/** Whoever names networks must be in them: else the change would be the last that they could make. */
function refuseShuttingOut(ctx: UserContext, { allowedNetworks }: PolicyValues): void {
  const ip = ctx.request?.origin.ip ?? null;
  if (allowedNetworks === undefined || inNetworks(ip, allowedNetworks)) return;
  throw new AppError('invalid', 'These networks would shut you out.', {
    errors: [{ path: 'values.allowedNetworks', message: `must contain your own address, ${ip ?? 'which is not known here'}` }],
  });
}

/** How a policy stands, for people. */
export async function showPolicy(ctx: UserContext, policies: Policies): Promise<PolicyShown> {
  const seesPeople = ctx.actor.permissions.has('user:read');
  const [runners, refusals, people] = await Promise.all([
    readRunnerReports(ctx.db),
    recentRefusals(ctx.db, ctx.now()),
    seesPeople ? countPeople(ctx.db) : null,
  ]);
  return {
    levels: { deployment: set(policies.deployment), tenant: set(policies.tenant.values), template: set(policies.template.values) },
    fields: POLICY_FIELDS.map((field) => showField(policies.merged, field, runners, refusals)),
    unavailable: Object.entries(UNAVAILABLE).map(([field, { label, group, reason }]) => ({ field, label, group, reason })),
    people,
    runners: { total: runners.length, reported: runners.filter(({ enforces }) => enforces !== null).length },
  };
}

/** How many people are here, and how many of them would be asked for a passkey that they don't have. */
async function countPeople(db: TenantDb): Promise<PolicyShown['people']> {
  const found = await db.first<{ total: number; without: number }>(
    `SELECT count(*) AS total, coalesce(sum(NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id)), 0) AS without
     FROM users u WHERE u.tenant_id = ? AND u.state = 'active'`,
    db.tenantId,
  );
  return { total: found?.total ?? 0, withoutPasskey: found?.without ?? 0 };
}

function showField(
  merged: MergedPolicy,
  field: PolicyField,
  runners: readonly RunnerReport[],
  refusals: ReadonlyMap<string, number>,
): ShownField {
  const { value, source, overruled } = merged[field];
  /** lists that mean nothing while egress is open */
  const ofEgress = field === 'egressHosts' || field === 'git';
  return {
    field,
    value,
    source,
    overruled,
    ...(ofEgress && merged.egress.value === 'open' ? { state: 'not enforced' as const, lacking: [] } : enforcementOf(field, runners)),
    refused: COUNTED.includes(field) ? (refusals.get(field) ?? 0) : null,
  };
}

const set = (values: PolicyValues): PolicyShown['levels']['tenant'] =>
  Object.fromEntries(Object.entries(values).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])));
