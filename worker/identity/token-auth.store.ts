import { personFrom, personQuery } from '../directory/people.ts';
import { policiesFrom, policyQuery, scopesOf, type StoredPolicy } from '../directory/policies.ts';
import { NO_ROLES, rolesByUser, rolesOf, type HeldRoles } from '../directory/roles.ts';
import type { Context } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { tokenRow, type TokenRow } from './tokens.store.ts';

/** A token with its owner as they are this moment. */
export interface Bearer {
  token: TokenRow;
  owner:
    | { type: 'user'; id: string; name: string; email: string; emailVerified: boolean; state: string }
    | { type: 'service-account'; id: string; name: string; state: string };
  held: HeldRoles;
  managesGroups: boolean;
  /** the organisation requires a second factor of people, and this one has none */
  lacksSecondFactor: boolean;
  tenant: Context['tenant'];
  tenantState: string;
  /** what the organisation's policy sets */
  policies: ReadonlyMap<string, StoredPolicy>;
}

interface AccountRow {
  id: string;
  name: string;
  state: string;
  tenant_id: string;
  tenant_name: string;
  slug: string;
  region: 'auto' | 'eu';
  tenant_state: string;
  tenant_created_at: string;
}

/** Everything about a token in one trip; null for one that never was. */
export async function readToken(db: TenantDb, secretHash: string, now: string): Promise<Bearer | null> {
  const ownedBy = (type: string): Statement =>
    statement('SELECT owner_id FROM api_tokens WHERE tenant_id = ? AND secret_hash = ? AND owner_type = ?', db.tenantId, secretHash, type);
  const [found, person, roles, account, accountRoles, set] = await db.batch([
    statement(
      `SELECT id, owner_type, owner_id, owner_id AS owner_name, name, scopes, networks, created_at, created_by AS creator, expires_at,
         revoked_at, last_used_at, last_used_from FROM api_tokens WHERE tenant_id = ? AND secret_hash = ?`,
      ...[db.tenantId, secretHash],
    ),
    ...personQuery(db, ownedBy('user'), now),
    accountQuery(db, ownedBy('service-account')),
    rolesOf(db.tenantId, ownedBy('service-account'), now),
    policyQuery(db.tenantId, scopesOf(null)),
  ]);
  const row = found?.rows[0];
  if (!row) return null;
  const token = tokenRow.parse(row);
  const policies = policiesFrom(set?.rows ?? []);
  const user = personFrom(person, roles);
  if (user) {
    const owner = { type: 'user' as const, ...user.user, state: user.state };
    const { passkey, totp, required } = user.factors;
    const { managesGroups, tenant, tenantState } = user;
    return { token, owner, held: user, managesGroups, lacksSecondFactor: required && !passkey && !totp, tenant, tenantState, policies };
  }
  const robot = account?.rows[0] as unknown as AccountRow | undefined;
  if (!robot) return null;
  return {
    token,
    owner: { type: 'service-account', id: robot.id, name: robot.name, state: robot.state },
    held: rolesByUser(accountRoles?.rows ?? []).get(robot.id) ?? NO_ROLES,
    managesGroups: false,
    lacksSecondFactor: false,
    tenant: { id: robot.tenant_id, slug: robot.slug, name: robot.tenant_name, region: robot.region, createdAt: robot.tenant_created_at },
    tenantState: robot.tenant_state,
    policies,
  };
}

function accountQuery(db: TenantDb, which: Statement): Statement {
  const { sql, params } = which.toSQL();
  return statement(
    `SELECT s.id, s.name, s.state, t.tenant_id, t.name AS tenant_name, t.slug, t.region, t.state AS tenant_state,
       t.created_at AS tenant_created_at
     FROM service_accounts s JOIN tenants t ON t.tenant_id = s.tenant_id WHERE s.tenant_id = ? AND s.id = (${sql})`,
    ...[db.tenantId, ...params],
  );
}
