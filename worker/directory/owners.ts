import { AppError } from '@gatehouse/core/errors.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/**
 * An organisation always keeps an active owner: a person in state `active` who holds the role `owner`, directly or through
 * groups however deep, without an end. One whose role, or a membership on the way to it, ends does not count, or the organisation
 * would be left behind then. Where single sign-on is required, one such owner can also come in without the provider.
 */

/**
 * What must still hold after a change that may lose an owner. Put them last into `changes` of `commit()`, and wrap the commit in
 * `onLastOwner`.
 * @param concerned who may lose something; null: anybody
 */
export const ownersRemain = (db: TenantDb, concerned: readonly string[] | null = null): Statement[] => [
  ownerRemains(db),
  wayInRemains(db, concerned),
];

/**
 * A statement that undoes its whole batch when no active owner is left: it looks at what the statements before it have made, so it
 * holds for demoting, suspending and deleting alike, and whatever else happens at the same time.
 */
const ownerRemains = (db: TenantDb): Statement =>
  statement(
    // created_at NULL is refused by the table, and its name tells this refusal from that of a guard (body).
    `INSERT INTO outbox (tenant_id, id, created_at, body) SELECT ?1, 'no-owner', NULL, '[]'
     WHERE NOT EXISTS (
       WITH RECURSIVE holder (type, id) AS (
         SELECT subject_type, subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND expires_at IS NULL
         UNION
         SELECT m.member_type, m.member_id FROM holder
         JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = holder.id AND m.expires_at IS NULL WHERE holder.type = 'group'
       )
       SELECT 1 FROM holder JOIN users u ON u.tenant_id = ?1 AND u.id = holder.id WHERE holder.type = 'user' AND u.state = 'active'
     )`,
    db.tenantId,
  );

/** In a query of users `u`: they can come in by themselves with two factors, by a passkey or by password and app. */
export const TWO_OWN_FACTORS = `(EXISTS (SELECT 1 FROM passkeys k WHERE k.tenant_id = u.tenant_id AND k.user_id = u.id)
  OR u.password_hash IS NOT NULL AND EXISTS (
    SELECT 1 FROM totp_secrets a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.confirmed_at IS NOT NULL))`;

/**
 * A statement that undoes its whole batch when single sign-on is required and no active owner is left who comes in without: on the day
 * on which the provider is down, nobody could mend it. It walks up from the few on the list.
 * @param concerned nobody of these on the list: there is nothing to look at, so that an organisation that was without before this was
 * guarded still lets others go
 */
export const wayInRemains = (db: TenantDb, concerned: readonly string[] | null): Statement =>
  statement(
    // id NULL is refused by the table, and its name tells this refusal from the others.
    `INSERT INTO outbox (tenant_id, id, created_at, body) SELECT ?1, NULL, 0, '[]'
     WHERE EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND sso_required = 1)
       AND (?2 IS NULL OR EXISTS (SELECT 1 FROM break_glass WHERE tenant_id = ?1 AND user_id IN (SELECT value FROM json_each(?2))))
       AND NOT EXISTS (
         WITH RECURSIVE up (person, type, id) AS (
           SELECT u.id, 'user', u.id FROM break_glass b JOIN users u ON u.tenant_id = ?1 AND u.id = b.user_id
           WHERE b.tenant_id = ?1 AND u.state = 'active' AND ${TWO_OWN_FACTORS}
           UNION
           SELECT up.person, 'group', m.group_id FROM up CROSS JOIN group_members m
           WHERE m.tenant_id = ?1 AND m.member_type = up.type AND m.member_id = up.id AND m.expires_at IS NULL
         )
         SELECT 1 FROM up CROSS JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = up.type AND a.subject_id = up.id
         WHERE a.role = 'owner' AND a.expires_at IS NULL
       )`,
    ...[db.tenantId, concerned === null ? null : JSON.stringify(concerned)],
  );

/**
 * Its `found` is 1 when there are two such owners. Walks up to the groups first, which are few, and takes from their members only
 * as many as it needs: a group of ten thousand costs no more than one of two.
 */
export const hasSecondOwner = (db: TenantDb): Statement =>
  statement(
    `WITH RECURSIVE owning (id) AS (
       SELECT subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND subject_type = 'group' AND expires_at IS NULL
       UNION
       SELECT m.member_id FROM owning
       JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = owning.id AND m.member_type = 'group' AND m.expires_at IS NULL
     ), holder (id) AS (
       SELECT subject_id FROM role_assignments WHERE tenant_id = ?1 AND role = 'owner' AND subject_type = 'user' AND expires_at IS NULL
       UNION ALL
       SELECT m.member_id FROM owning
       CROSS JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = owning.id AND m.member_type = 'user' AND m.expires_at IS NULL
     )
     SELECT count(*) = 2 AS found FROM (
       SELECT DISTINCT u.id FROM holder CROSS JOIN users u ON u.tenant_id = ?1 AND u.id = holder.id WHERE u.state = 'active' LIMIT 2
     )`,
    db.tenantId,
  );

/** The owner whom a change would have lost, in words, and what to do first. */
export interface OwnerLack {
  /** behind a name: “… is” */
  is: string;
  would: string;
  first: string;
}

const LACKS: ReadonlyArray<{ column: string } & OwnerLack> = [
  {
    column: 'created_at',
    is: 'the last active owner',
    would: 'The organisation would be left without an active owner',
    first: 'make somebody else an owner, without an end, first',
  },
  {
    column: 'id',
    is: 'the last owner who comes in when the identity provider is down',
    would: 'Single sign-on is required, and no owner could come in any more when the identity provider is down',
    first: 'choose another owner with a second factor of their own for emergencies, or no longer require single sign-on, first',
  },
];

/** Which owner was to be kept, where a batch was undone by `ownersRemain`. */
export const ownerLack = (error: unknown): OwnerLack | undefined =>
  LACKS.find(({ column }) => String(error).includes(`NOT NULL constraint failed: outbox.${column}`));

/** Turns the refusal of `ownersRemain` into the error that people see. @throws AppError `conflict` */
export async function onLastOwner<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const lack = ownerLack(cause);
    if (!lack) throw cause;
    throw new AppError('conflict', `${lack.would}: ${lack.first}.`);
  }
}
