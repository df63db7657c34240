import type { BuiltInRole, CustomRole } from '@gatehouse/core/access/permissions.ts';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { Context, Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { NO_ROLES, rolesByUser, rolesOf } from './roles.ts';
import { roleAssignments, tenants, users } from './tables.ts';

/** A person with what decides about their sign-in. */
export interface Person {
  user: { id: string; name: string; email: string; emailVerified: boolean };
  state: 'active' | 'suspended' | 'deactivated';
  passwordHash: string | null;
  roles: BuiltInRole[];
  customRoles: CustomRole[];
  managesGroups: boolean;
  tenant: Context['tenant'];
  tenantState: 'active' | 'suspended';
  /** what they could be asked for beside a password, and whether the organisation requires it */
  factors: { passkey: boolean; totp: boolean; required: boolean };
  /** `sso`: through the organisation's identity provider alone; `break-glass`: they need not, though everybody else must */
  comesIn: 'any' | 'sso' | 'break-glass';
}

/** Of somebody who comes in this very moment. */
export const NO_FACTORS: Person['factors'] = { passkey: false, totp: false, required: false };

interface PersonRow {
  id: string;
  name: string;
  email: string;
  email_verified_at: string | null;
  state: Person['state'];
  password_hash: string | null;
  manages: number;
  tenant_id: string;
  tenant_name: string;
  slug: string;
  region: 'auto' | 'eu';
  tenant_state: 'active' | 'suspended';
  tenant_created_at: string;
  two_factors_required: number;
  passkey: number;
  totp: number;
  sso_required: number;
  break_glass: number;
}

/**
 * Statements whose answers `personFrom` reads, to be sent in one batch with whatever else is asked.
 * @param who a query of one user id
 */
export function personQuery(db: TenantDb, who: Statement, now: string): [Statement, Statement] {
  const { sql, params } = who.toSQL();
  const person = statement(
    `SELECT u.id, u.name, u.email, u.email_verified_at, u.state, u.password_hash, t.tenant_id, t.name AS tenant_name, t.slug, t.region,
       t.state AS tenant_state, t.created_at AS tenant_created_at, t.two_factors_required, t.sso_required,
       EXISTS (SELECT 1 FROM break_glass b WHERE b.tenant_id = u.tenant_id AND b.user_id = u.id) AS break_glass,
       EXISTS (SELECT 1 FROM group_managers m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id) AS manages,
       EXISTS (SELECT 1 FROM passkeys p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id) AS passkey,
       EXISTS (SELECT 1 FROM totp_secrets s WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.confirmed_at IS NOT NULL) AS totp
     FROM users u JOIN tenants t ON t.tenant_id = u.tenant_id WHERE u.tenant_id = ? AND u.id = (${sql})`,
    db.tenantId,
    ...params,
  );
  return [person, rolesOf(db.tenantId, who, now)];
}

type Rows = { rows: Array<Record<string, unknown>> } | undefined;

/** @returns null when there is no such person */
export function personFrom(person: Rows, roles: Rows): Person | null {
  const row = person?.rows[0] as PersonRow | undefined;
  if (!row) return null;
  return {
    user: { id: row.id, name: row.name, email: row.email, emailVerified: row.email_verified_at !== null },
    state: row.state,
    passwordHash: row.password_hash,
    ...(rolesByUser(roles?.rows ?? []).get(row.id) ?? NO_ROLES),
    managesGroups: row.manages === 1,
    tenant: { id: row.tenant_id, slug: row.slug, name: row.tenant_name, region: row.region, createdAt: row.tenant_created_at },
    tenantState: row.tenant_state,
    factors: { passkey: row.passkey === 1, totp: row.totp === 1, required: row.two_factors_required === 1 },
    comesIn: row.sso_required === 0 ? 'any' : row.break_glass === 1 ? 'break-glass' : 'sso',
  };
}

export const findPersonByEmail = (db: TenantDb, email: string, now: string): Promise<Person | null> =>
  findPerson(db, statement('SELECT id FROM users WHERE tenant_id = ? AND email = ?', db.tenantId, email), now);

export const findPersonById = (db: TenantDb, id: string, now: string): Promise<Person | null> =>
  findPerson(db, statement('SELECT id FROM users WHERE tenant_id = ? AND id = ?', db.tenantId, id), now);

/** @param who a query of one user id */
export async function findPerson(db: TenantDb, who: Statement, now: string): Promise<Person | null> {
  const [person, roles] = await db.batch(personQuery(db, who, now));
  return personFrom(person, roles);
}

/** The organisation's rule, for somebody who joins it this moment. */
export async function twoFactorsRequired(db: TenantDb): Promise<boolean> {
  const row = await db.first<{ rule: number }>('SELECT two_factors_required AS rule FROM tenants WHERE tenant_id = ?', db.tenantId);
  return row?.rule === 1;
}

/** Whether everybody, but for a few, comes in through an identity provider. */
export async function ssoRequired(db: TenantDb): Promise<boolean> {
  const row = await db.first<{ rule: number }>('SELECT sso_required AS rule FROM tenants WHERE tenant_id = ?', db.tenantId);
  return row?.rule === 1;
}

/** A condition on users: the person and the organisation are active. `?1` is the tenant. */
export const IN_GOOD_STANDING = `state = 'active' AND EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND state = 'active')`;

/** A tenant and its first person, who owns it. */
export function foundingRows(
  ctx: Pick<Services, 'newId'> & { db: TenantDb },
  person: Person & { passwordHash: string },
  now: string,
): Statement[] {
  const { tenantId, orm } = ctx.db;
  const { user, tenant } = person;
  return [
    orm
      .insert(tenants)
      .values({ tenantId, slug: tenant.slug, name: tenant.name, region: tenant.region, state: 'active', createdAt: tenant.createdAt }),
    orm.insert(users).values({
      ...{ tenantId, id: user.id, email: user.email, name: user.name, state: 'active', passwordHash: person.passwordHash },
      ...{ createdAt: now, lastSeenAt: now },
    }),
    ...roleRows(ctx, user.id, person.roles, { by: user.id, now }),
  ];
}

export function roleRows(
  ctx: Pick<Services, 'newId'> & { db: TenantDb },
  userId: string,
  roles: readonly BuiltInRole[],
  given: { by: string; now: string },
): Statement[] {
  return roles.map((role) =>
    ctx.db.orm.insert(roleAssignments).values({
      ...{ tenantId: ctx.db.tenantId, id: ctx.newId('roleAssignment'), role, subjectType: 'user', subjectId: userId },
      ...{ createdAt: given.now, createdBy: given.by },
    }),
  );
}

export const seenNow = (db: TenantDb, userId: string, now: string): Statement =>
  statement('UPDATE users SET last_seen_at = ? WHERE tenant_id = ? AND id = ?', now, db.tenantId, userId);

/**
 * Matches nothing when the person or the organisation was suspended, or the password changed, since it was checked.
 * @param newHash replaces the stored hash of the same password
 */
export const letIn = (db: TenantDb, { user, passwordHash }: Person, now: string, newHash: string | null): Statement =>
  statement(
    `UPDATE users SET last_seen_at = ?3, password_hash = coalesce(?5, password_hash)
     WHERE tenant_id = ?1 AND id = ?2 AND state = 'active' AND password_hash = ?4
       AND EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND state = 'active')`,
    ...[db.tenantId, user.id, now, passwordHash, newHash],
  );

/** Matches nothing when the password was changed in the meantime. */
export const replacePassword = (db: TenantDb, userId: string, oldHash: string | null, newHash: string): Statement =>
  statement(
    "UPDATE users SET password_hash = ? WHERE tenant_id = ? AND id = ? AND password_hash IS ? AND state = 'active'",
    ...[newHash, db.tenantId, userId, oldHash],
  );

/** Whether the limit of people is reached. */
export async function isFull(db: TenantDb): Promise<boolean> {
  const found = await db.first<{ people: number }>(
    "SELECT count(*) AS people FROM users WHERE tenant_id = ? AND state <> 'deactivated'",
    db.tenantId,
  );
  return (found?.people ?? 0) >= QUOTAS.users;
}
